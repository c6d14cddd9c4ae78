import { describe, expect, it } from "vitest";
import { event, messageStart, textBlock } from "../anthropic/message.fixture";
import { noUsage } from "../models/usage";
import { endpoints, familyOf, familyOfCaller, rowOf } from "./endpoint";
import { endpointAt } from "./endpoint-path";

const [json, sse] = ["application/json", "text/event-stream"];

describe("families", () => {
  it("have each endpoint once, and each endpoint a family", () => {
    const names = endpoints.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(familyOf("chat/completions").name).toBe("openai");
    expect(familyOf("messages/count_tokens").name).toBe("anthropic");
    expect(familyOf("other").name).toBe("openai");
  });

  it.each([
    ["POST", "/v1/messages", "messages"],
    ["POST", "/anthropic/v1/messages", "messages"],
    ["POST", "/v1/messages/count_tokens", "messages/count_tokens"],
  ])("read %s %s", (method, path, name) => {
    expect(endpointAt(method, path)).toBe(rowOf(name));
  });

  it.each([
    ["batches, which belong to the upstream's account", "POST", "/v1/messages/batches"],
    ["a message of a thread at OpenAI", "POST", "/v1/threads/thread_1/messages"],
    ["a chat's stored messages", "GET", "/v1/chat/completions/chatcmpl-1/messages"],
    ["complete, the API before it", "POST", "/v1/complete"],
  ])("leave %s alone", (_, method, path) => {
    expect(endpointAt(method, path)).toBe("other");
  });

  it.each(["/v1/messages/", "/v1/Messages", "/V1/messages", "/v1//messages", "/v1/messages;a=b"])(
    "refuse %s as misspelt",
    (path) => {
      expect(endpointAt("POST", path)).toBe("misspelt");
    },
  );

  it("answer a client by its endpoint, and where that does not tell by its version", () => {
    expect(familyOfCaller("/v1/messages", undefined).name).toBe("anthropic");
    expect(familyOfCaller("/v1/models", "2023-06-01").name).toBe("anthropic");
    expect(familyOfCaller("/v1/models", undefined).name).toBe("openai");
    expect(familyOfCaller("/v1/threads/t/messages", undefined).name).toBe("openai");
  });

  it("tell the service tier that a request asks for", () => {
    const tiers = (endpoint: string, ...bodies: object[]) =>
      bodies.map((body) => familyOf(endpoint).tierAsked({ ...body }));
    expect(
      tiers("responses", { service_tier: "flex" }, { service_tier: null }, { service_tier: 1 }, {}),
    ).toEqual(["flex", undefined, undefined, undefined]);
    expect(
      tiers("messages", { speed: "fast" }, { service_tier: "auto" }, { speed: "standard" }),
    ).toEqual(["fast", undefined, undefined]);
    expect(tiers("messages", { inference_geo: "us" }, { inference_geo: "global" })).toEqual([
      "us",
      undefined,
    ]);
  });

  describe("read the usage", () => {
    const usageOf = (body: string, contentType = sse, truncated = false) =>
      familyOf("messages").usageOf({
        endpoint: "messages",
        contentType,
        body: Buffer.from(body),
        truncated,
      });

    it("of a stream that was cut: the input as its start states it, the output as it was seen", () => {
      const reading = usageOf(messageStart() + textBlock(0, "four words of text.."));
      expect(reading).toMatchObject({ isComplete: false, isSilent: false });
      expect(reading.with(9, 5)).toMatchObject({
        ...{ input_tokens: 1000, cached_input_tokens: 600, output_tokens: 5, estimated: true },
      });
    });

    it("of a stream whose start is missing: the input as it was estimated", () => {
      const reading = usageOf(textBlock(0, "four words of text.."));
      expect(reading.isSilent).toBe(true);
      const expected = { ...noUsage, input_tokens: 9, output_tokens: 5, estimated: true };
      expect(reading.with(9, 5)).toEqual(expected);
    });

    it("of an answer whose type is wrong, by what it holds", () => {
      const body = JSON.stringify({ usage: { input_tokens: 3, output_tokens: 4 } });
      expect(usageOf(body, "text/plain").with(0, 0)).toMatchObject({
        ...{ input_tokens: 3, output_tokens: 4, estimated: false },
      });
    });

    it.each([
      ["zeros", { input_tokens: 0, output_tokens: 0 }, true, [9, 5]],
      ["no prompt", { input_tokens: 0, output_tokens: 4 }, false, [9, 4]],
      ["no answer", { input_tokens: 3, output_tokens: 0 }, false, [3, 5]],
      ["a prompt alone", { input_tokens: 3 }, false, [3, 5]],
    ])(
      "of an answer that states %s: what is estimated in its place",
      (_, usage, isSilent, counted) => {
        const content = [{ type: "text", text: "four words of text.." }];
        const reading = usageOf(JSON.stringify({ content, usage }), json);
        expect(reading).toMatchObject({ isComplete: false, isSilent });
        const { input_tokens, output_tokens, estimated } = reading.with(9, 5);
        expect([input_tokens, output_tokens, estimated]).toEqual([...counted, true]);
        expect(
          usageOf(JSON.stringify({ usage: { input_tokens: 3, output_tokens: 0 } })).with(9, 0),
        ).toEqual({
          ...noUsage,
          input_tokens: 3,
        });
      },
    );

    it.each(["messages/count_tokens", "responses/input_tokens"])(
      "of a count of tokens: nothing, as of %s",
      (endpoint) => {
        const answer = { contentType: json!, body: Buffer.from('{"input_tokens":7}') };
        const reading = familyOf(endpoint).usageOf({ ...answer, endpoint, truncated: false });
        expect(reading.with(7, 0)).toEqual(noUsage);
      },
    );
  });

  it("tell an error about the request from one about the model", () => {
    const finding = (type: string) =>
      familyOf("messages").findingOf({
        endpoint: "messages",
        contentType: sse!,
        body: Buffer.from(messageStart() + event("error", { error: { type, message: "no" } })),
        truncated: false,
      });
    expect(finding("overloaded_error")).toEqual({ state: "error", isClientsMistake: false });
    expect(finding("invalid_request_error")).toEqual({ state: "error", isClientsMistake: true });
  });

  it("fill in what the API's version needs, and nothing that it refuses", () => {
    const { missingHeaders, refusesSamplers } = familyOf("messages");
    expect(missingHeaders(undefined)).toEqual({ "anthropic-version": "2023-06-01" });
    expect(missingHeaders("2026-10-21")).toEqual({});
    expect([undefined, "2023-06-01", "2026-10-21"].map(refusesSamplers)).toEqual([
      ...[false, false, true],
    ]);
  });
});
