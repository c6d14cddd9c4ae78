import { describe, expect, it } from "vitest";
import { refuse } from "../stages/exchange";
import { inShapeOf } from "./caller-shape";

const refusal = refuse(429, { message: "Wait.", type: "tokens", code: "rate_limit_exceeded" });
const request = { id: "r1", method: "POST", path: "/v1/chat/completions", client_ip: "::1" };

describe("a refusal", () => {
  it("keeps OpenAI's shape for a client of OpenAI's API, whose SDKs show its id", () => {
    const answer = inShapeOf(request, refusal);
    expect(answer).toEqual({ ...refusal, headers: { ...refusal.headers, "x-request-id": "r1" } });
  });

  it.each([
    ["by its endpoint", { ...request, path: "/v1/messages" }],
    ["by its version", { ...request, path: "/v1/files", anthropic_version: "2023-06-01" }],
  ])("has Anthropic's for a client of Anthropic's API, told %s", (_, asked) => {
    const answer = inShapeOf(asked, refusal);
    expect(JSON.parse(answer.body)).toMatchObject({
      type: "error",
      error: { type: "rate_limit_error", message: "Wait." },
      request_id: "r1",
    });
    expect(answer.headers["request-id"]).toBe("r1");
  });
});
