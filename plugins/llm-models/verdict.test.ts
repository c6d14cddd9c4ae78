import { describe, expect, it } from "vitest";
import type { Outcome } from "../../stages/outcome";
import { modelsOptions } from "./schema";
import { failureOf, verdictOf } from "./verdict";

const { cooldown } = modelsOptions.parse({ cooldown: { seconds: 30, max_seconds: 120 } });
// A whole second, as an HTTP date can say it.
const endedAt = Date.UTC(2026, 2, 3, 4, 5, 6);

const answer = '{"choices":[{"message":{"content":"hi"}}]}';
const ticket = { endpoint: "chat/completions" } as Outcome["ticket"];

function outcome({ text = answer, ...more }: Partial<Outcome> & { text?: string }): Outcome {
  return {
    ...{ status: 200, source: "service", ended_at: endedAt, complete: true, truncated: false },
    ...{ content_type: "application/json", body: Buffer.from(text), ticket },
    ...more,
  } as Outcome;
}

describe("llm-models verdict", () => {
  it.each([
    ["service", 200, "served"],
    ["service", 429, "failed"],
    ["service", 500, "failed"],
    ["service", 503, "failed"],
    // Anthropic is overloaded; Cloudflare before it cannot reach it; it took too long.
    ["service", 529, "failed"],
    ["service", 524, "failed"],
    ["service", 520, "failed"],
    ["service", 525, "failed"],
    ["service", 530, "failed"],
    ["service", 408, "failed"],
    // About the request, not about the model.
    ["service", 400, "nothing"],
    ["service", 404, "nothing"],
    // Nobody can be served by it with the only key.
    ["service", 401, "failed"],
    ["service", 402, "failed"],
    // The client went away.
    ["service", 499, "nothing"],
    // Kong could not reach the upstream, or it took too long.
    ["error", 502, "failed"],
    ["error", 504, "failed"],
    ["error", 413, "nothing"],
    ["error", 500, "nothing"],
    // It never went upstream.
    ["exit", 503, "nothing"],
    ["gateway", 429, "nothing"],
    ["cache", 200, "nothing"],
  ] as const)("of %s %i is: %s", (source, status, expected) => {
    expect(verdictOf(outcome({ source, status }), cooldown)).toBe(expected);
  });

  it.each([
    ["an error", '{"error":{"message":"overloaded"}}', "failed"],
    ["a vendor's error", '{"code":1302,"msg":"busy","success":false}', "failed"],
    ["an error of the request", '{"error":{"code":"context_length_exceeded"}}', "nothing"],
    ["nothing", '{"choices":[]}', "failed"],
    [
      "no word, after thoughts that are paid",
      '{"choices":[{"message":{"content":""}}],"usage":{"prompt_tokens":1,"completion_tokens":9}}',
      "served",
    ],
    ["half a text", '{"choices":[', "failed"],
    [
      "no word, by a filter that the client met",
      '{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}',
      "nothing",
    ],
  ] as const)("of 200 with %s is: %s", (_, text, expected) => {
    expect(verdictOf(outcome({ text }), cooldown)).toBe(expected);
  });

  it("of a 429 for a request that is too long for the account is: nothing", () => {
    const text = '{"error":{"message":"Request too large for gpt-4.1 on tokens per min (TPM)"}}';
    expect(verdictOf(outcome({ status: 429, text }), cooldown)).toBe("nothing");
  });

  it("of a stream that the upstream cut is: failed; that the client cut: served", () => {
    expect(verdictOf(outcome({ complete: false, cut_by: "upstream" }), cooldown)).toBe("failed");
    expect(verdictOf(outcome({ complete: false, cut_by: "client" }), cooldown)).toBe("served");
  });

  it.each([
    [undefined, 30_000, false],
    ["2", 3000, true],
    ["0", 30_000, false],
    ["500", 120_000, true],
    ["99999999999999", 30_000, false],
    ["Tue, 03 Mar 2026 04:05:16 GMT", 11_000, true],
    ["Tue, 03 Mar 2026 04:05:00 GMT", 30_000, false],
    ["Tue, 03 Mar 2036 04:05:00 GMT", 120_000, true],
    ["12.5", 13_500, true],
    ["850ms", 1850, true],
    ["1m30s", 91_000, true],
    ["Tuesday, 03-Mar-26 04:05:16 GMT", 11_000, true],
    ["Tue Mar  3 04:05:16 2026", 11_000, true],
    ["2026-03-03T04:05:16Z", 11_000, true],
    ["2026-03-03T13:05:16+09:00", 11_000, true],
    [`${endedAt / 1000 + 10}`, 11_000, true],
    ["1.2.3", 30_000, false],
    ["5 apples", 30_000, false],
    ["-5", 30_000, false],
    ["soon", 30_000, false],
    ["soon GMT", 30_000, false],
  ])(
    "lets a model cool that answers Retry-After %j for %i ms, at once: %s",
    (after, ms, atOnce) => {
      expect(failureOf(outcome({ retry_after: after }), 7, cooldown)).toEqual({
        sentAt: 7,
        endedAt,
        coolMs: ms,
        atOnce,
      });
    },
  );

  it("lets a model cool for as long as Google says in the body, where no header does", () => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "9.5s" }];
    const text = JSON.stringify({ error: { code: 429, details } });
    const coolMs = (more: Partial<Outcome>) =>
      failureOf(outcome({ status: 429, text, ...more }), 7, cooldown).coolMs;
    expect(coolMs({})).toBe(10_500);
    expect(coolMs({ retry_after: "2" })).toBe(3000);
    const forged = JSON.stringify({ error: { message: '"retryDelay":"90s"' } });
    expect(failureOf(outcome({ text: forged }), 7, cooldown).atOnce).toBe(false);
  });
});
