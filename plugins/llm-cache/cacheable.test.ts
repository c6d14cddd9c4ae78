import { describe, expect, it } from "vitest";
import type { Outcome } from "../../stages/outcome";
import { readDirectives, varies, whyUnstorable } from "./cacheable";

const answer = '{"id":"a1","choices":[{"message":{"content":"안녕"}}]}';
const chunk = 'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":null}]}\n\n';
const last = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n';
const end = "data: [DONE]\n\n";
const stream = `${chunk}${last}${end}`;
const limit = 1000;

function outcome(
  change: Partial<Omit<Outcome, "body">> & { body?: string | Buffer; endpoint?: string },
): Outcome {
  const { body = answer, endpoint = "chat/completions", ...others } = change;
  return {
    ticket: { id: "r1", started_at: 0, method: "POST", endpoint, stream: false, stages: {} },
    status: 200,
    source: "service",
    content_type: "application/json",
    complete: true,
    truncated: false,
    started_at: 0,
    first_byte_at: 0,
    ended_at: 0,
    ...others,
    body: Buffer.from(body as string),
  };
}

/** An answer of so many bytes. */
const long = (bytes: number) => {
  const made = (text: string) => `{"choices":[{"text":"${text}"}]}`;
  return made("x".repeat(bytes - made("").length));
};
const sse = (body: string) => ({ body, content_type: "text/event-stream; charset=utf-8" });

describe("llm-cache", () => {
  describe("stores", () => {
    it.each<[string, Parameters<typeof outcome>[0]]>([
      ["a whole JSON answer", {}],
      ["JSON with a charset", { content_type: "application/json; charset=utf-8" }],
      ["a stream that ends with [DONE]", sse(stream)],
      ["an answer of just the largest size", { body: long(limit) }],
      [
        "an answer that says it has no error",
        { endpoint: "responses", body: '{"status":"completed","error":null,"output":[{}]}' },
      ],
      [
        "an answer that met its length bound",
        { endpoint: "responses", body: '{"status":"incomplete","error":null,"output":[{}]}' },
      ],
    ])("%s", (_, change) => {
      expect(whyUnstorable(outcome(change), limit)).toBeUndefined();
    });
  });

  describe("does not store", () => {
    it.each<[string, string, Parameters<typeof outcome>[0]]>([
      ["a refusal of the upstream", "not_ok", { status: 429 }],
      ["a failure of the upstream", "not_ok", { status: 500 }],
      ["another success than 200", "not_ok", { status: 202 }],
      ["what Kong answered for the upstream", "not_ok", { source: "error" }],
      ["what another plugin answered", "not_ok", { source: "exit" }],
      ["what a stage refused", "not_ok", { source: "gateway" }],
      ["what came from the cache", "not_ok", { source: "cache" }],
      ["an answer that was cut", "cut", { complete: false }],
      ["an answer of which only the end was kept", "too_large", { truncated: true }],
      ["an answer over the largest size", "too_large", { body: long(limit + 1) }],
      ["half a JSON text", "not_whole", { body: answer.slice(0, -1) }],
      ["nothing", "not_whole", { body: "" }],
      ["JSON that is no object", "not_whole", { body: "null" }],
      ["an error with status 200", "not_whole", { body: '{"error":{"message":"overloaded"}}' }],
      ["a vendor's failure with 200", "not_whole", { body: '{"detail":"the model is loading"}' }],
      [
        "a vendor's failure with numbers",
        "not_whole",
        { body: '{"choices":null,"base_resp":{"status_code":1002}}' },
      ],
      ["a proxy's failure with 200", "not_whole", { body: '{"html-message":"Connection lost."}' }],
      ["an answer without a word", "not_whole", { body: '{"choices":[]}' }],
      [
        "work that is still being done",
        "not_whole",
        { endpoint: "responses", body: '{"status":"in_progress"}' },
      ],
      [
        "a stream of a vendor that leaves out its end",
        "not_whole",
        sse('data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\n'),
      ],
      ["a page", "not_whole", { body: answer, content_type: "text/html" }],
      ["an answer of no type", "not_whole", { content_type: "" }],
      ["a stream without its end", "not_whole", sse(`${chunk}${last}`)],
      ["a stream that was cut, with an end that a relay gave it", "not_whole", sse(chunk + end)],
      [
        "an answer that a relay put together of a stream that was cut",
        "not_whole",
        { body: '{"choices":[{"message":{"content":"hi"},"finish_reason":null}]}' },
      ],
      ["a stream that was cut inside its end", "not_whole", sse(stream.slice(0, -4))],
      ["a tool call that was cut", "not_whole", sse('data: {"choices":[{"delta":{"tool_calls":[{')],
      ["a stream that failed", "not_whole", sse(`data: {"error":{"code":500}}\n\n${stream}`)],
      ["text that is not UTF-8", "not_whole", { body: Buffer.from('{"a":"\xe9"}', "latin1") }],
    ])("%s (%s)", (_, reason, change) => {
      expect(whyUnstorable(outcome(change), limit)).toBe(reason);
    });
  });

  describe("reads Cache-Control", () => {
    const none = { noStore: false, onlyIfCached: false, maxAgeSeconds: Number.POSITIVE_INFINITY };

    it.each<[string | undefined, Partial<typeof none>]>([
      [undefined, {}],
      ["", {}],
      ["no-store", { noStore: true }],
      ["no-cache", { maxAgeSeconds: 0 }],
      ["No-Cache, No-Store", { noStore: true, maxAgeSeconds: 0 }],
      ["max-age=60", { maxAgeSeconds: 60 }],
      ['max-age="60" , only-if-cached', { maxAgeSeconds: 60, onlyIfCached: true }],
      ["max-age=60,max-age=5", { maxAgeSeconds: 5 }],
      ["max-age=soon, x-no-store, no-cache-please", {}],
    ])("%j", (header, expected) => {
      expect(readDirectives(header)).toEqual({ ...none, ...expected });
    });
  });

  it.each<[string, object, number, boolean]>([
    ["chat/completions", { temperature: 0 }, 0, false],
    ["chat/completions", { temperature: 0.3 }, 0.3, false],
    ["chat/completions", { temperature: 0.31 }, 0.3, true],
    ["chat/completions", {}, 0.99, true],
    ["chat/completions", { temperature: null }, 1, false],
    ["chat/completions", { temperature: "0" }, 0, true],
    ["embeddings", { input: "x" }, 0, false],
  ])("takes an answer of %s to %j, at most %d, for one that varies: %j", (...given) => {
    const [endpoint, body, most, expected] = given;
    expect(varies(endpoint, body as Record<string, unknown>, most)).toBe(expected);
  });
});
