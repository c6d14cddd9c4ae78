import { describe, expect, it } from "vitest";
import type { LimitState } from "./counts";
import { duration, limitHeaders, retryHeaders } from "./headers";
import type { Window } from "./windows";

function state(
  window: Window,
  most: number,
  remaining: number,
  rest: Partial<LimitState> = {},
): LimitState {
  const limit = { measure: "requests" as const, window, most };
  return { limit, remaining, resetMs: 0, waitMs: 0, start: 0, ...rest };
}

describe("llm-rate-limit", () => {
  describe("headers", () => {
    it("name every window for Kong's clients and the tightest limit for all others", () => {
      const limits = [
        state("minute", 1000, 400, { resetMs: 90_001 }),
        state("day", 5000, 12, { resetMs: 3_600_000 }),
      ];

      expect(limitHeaders(limits)).toEqual({
        "X-RateLimit-Limit-Minute": "1000",
        "X-RateLimit-Remaining-Minute": "400",
        "X-RateLimit-Limit-Day": "5000",
        "X-RateLimit-Remaining-Day": "12",
        "RateLimit-Limit": "5000",
        "RateLimit-Remaining": "12",
        "RateLimit-Reset": "3600",
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "12",
        "x-ratelimit-reset-requests": "1h0m0s",
      });
    });

    it("take the limit that makes wait longest as the tightest", () => {
      const limits = [
        state("second", 1, 0, { waitMs: 900, resetMs: 1900 }),
        state("minute", 2, 0, { waitMs: 50_000, resetMs: 80_000 }),
        state("hour", 9, 0, { resetMs: 7_000_000 }),
      ];

      expect(limitHeaders(limits)["RateLimit-Limit"]).toBe("2");
    });

    it("round the reset in seconds up, so that a client that waits for it comes late enough", () => {
      const headers = limitHeaders([state("second", 1, 0, { resetMs: 1001 })]);

      expect(headers["RateLimit-Reset"]).toBe("2");
    });

    it.each([
      [1, "1", "1"],
      [999, "1", "999"],
      [1000, "1", "1000"],
      [1001, "2", "1001"],
      [60_000, "60", "60000"],
    ])("tell a client to wait %i ms as %s s, at least one", (waitMs, seconds, milliseconds) => {
      expect(retryHeaders(waitMs)).toEqual({
        "Retry-After": seconds,
        "retry-after-ms": milliseconds,
      });
    });

    it("tell an SDK to give up where waiting for a minute cannot help", () => {
      expect(retryHeaders(60_001)).toEqual({
        "Retry-After": "61",
        "retry-after-ms": "60001",
        "x-should-retry": "false",
      });
      expect(retryHeaders(Number.POSITIVE_INFINITY)).toEqual({ "x-should-retry": "false" });
    });

    it.each([
      [0, "0s"],
      [120, "120ms"],
      [1000, "1s"],
      [8640, "8.64s"],
      [60_000, "1m0s"],
      [360_000, "6m0s"],
      [432_001, "7m12.001s"],
      [86_400_000, "24h0m0s"],
    ])("write %i ms as %s", (milliseconds, text) => {
      expect(duration(milliseconds)).toBe(text);
    });
  });
});
