import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import { canServe } from "./can-serve";

function asking(body: object, endpoint = "chat/completions"): Exchange {
  const parsed = RequestBody.parse(JSON.stringify(body));
  if ("problem" in parsed) throw new Error(parsed.problem);
  const ticket = { id: "r", started_at: 0, method: "POST", endpoint, stream: false, stages: {} };
  const request = { id: "r", method: "POST", path: `/v1/${endpoint}`, client_ip: "192.0.2.1" };
  return {
    ...{ request, consumer: undefined, ticket, body: parsed, keep: 0 },
    ...{ upstreamHeaders: {}, responseHeaders: {} },
  };
}

const messages = [{ role: "user", content: "Hi" }];
const withPart = (type: string) => ({ messages: [{ role: "user", content: [{ type }] }] });

describe("llm-rate-limit", () => {
  describe("a cheaper model", () => {
    it.each([
      ["words", { messages }, "deepseek-v3.2", true],
      ["parts that are words", withPart("text"), "deepseek-v3.2", true],
      ["a picture", withPart("image_url"), "gpt-4.1-nano", true],
      ["a picture", withPart("image_url"), "deepseek-v3.2", false],
      ["a picture", { input: withPart("input_image").messages }, "deepseek-v3.2", false],
      // What the catalogue says nothing of is not tried.
      ["sound", withPart("input_audio"), "gpt-4.1-nano", false],
      ["tools", { messages, tools: [] }, "deepseek-v3.2", true],
      ["tools", { messages, tools: [] }, "text-embedding-3-small", false],
      ["a long answer", { messages, max_tokens: 127_000 }, "deepseek-v3.2", true],
      ["one that is too long", { messages, max_tokens: 128_000 }, "deepseek-v3.2", false],
      [
        "a long prompt",
        { messages: [{ content: "word ".repeat(200_000) }] },
        "deepseek-v3.2",
        false,
      ],
      ["anything", withPart("input_audio"), "nobody-knows", true],
    ])("for %s is one that can: %#", (_, body, model, can) => {
      expect(canServe(model, asking(body))).toBe(can);
    });

    it("is one that speaks the API that it is asked by", () => {
      const body = { messages, max_tokens: 10 };
      expect(canServe("deepseek-v3.2", asking(body, "messages"))).toBe(true);
      expect(canServe("gpt-4.1-nano", asking(body, "messages"))).toBe(false);
    });
  });
});
