import { describe, expect, it } from "vitest";
import type { Outcome } from "../../stages/outcome";
import { modelsOptions } from "./schema";
import { failureOf, verdictOf } from "./verdict";

const { cooldown } = modelsOptions.parse({ cooldown: { seconds: 30, max_seconds: 120 } });
// A whole second, as an HTTP date can say it.
const endedAt = Date.UTC(2026, 2, 3, 4, 5, 6);

function outcome(more: Partial<Outcome>): Outcome {
  return { status: 200, source: "service", ended_at: endedAt, ...more } as Outcome;
}

describe("llm-models verdict", () => {
  it.each([
    ["service", 200, "served"],
    ["service", 429, "failed"],
    ["service", 500, "failed"],
    ["service", 503, "failed"],
    // About the request or its key, not about the model.
    ["service", 400, "nothing"],
    ["service", 401, "nothing"],
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
});
