import { describe, expect, it } from "vitest";
import { utc } from "./calendar";
import type { LimitState } from "./counts";
import type { Identity } from "./identity";
import type { Limit } from "./limit";
import { notice } from "./soft-limit-options";
import { watchFor } from "./watch";

const alice: Identity = { kind: "consumer", key: "consumer:alice" };
const start = Date.UTC(2026, 10, 1);
const requests: Limit = { measure: "requests", window: "month", most: 100 };
const dollars: Limit = { measure: "cost_usd", window: "month", most: 1000 };

const watch = (options: object = {}) =>
  watchFor(notice.parse({ url: "http://x", ...options }), utc);

function state(limit: Limit, used: number, waitMs = 0): LimitState {
  return { limit, remaining: limit.most - used, resetMs: 1, waitMs, start };
}

function spent(limit: Limit, used: number) {
  return [{ limit, who: alice.key, start, used }];
}

const shares = (reached: { share: number }[]) => reached.map(({ share }) => share);

describe("llm-rate-limit", () => {
  describe("a share of a limit", () => {
    it("is reached to the unit, the largest of several", () => {
      const { settled } = watch();
      for (const [used, reached] of [
        [499, []],
        [500, [0.5]],
        [799, [0.5]],
        [800, [0.8]],
        [999, [0.8]],
        [1000, [1]],
        [1700, [1]],
      ] as const) {
        expect(shares(settled(spent(dollars, used)))).toEqual(reached);
      }
    });

    it("is reached to the unit, whatever the share and the limit", () => {
      for (let percent = 1; percent <= 100; percent++) {
        const { settled } = watch({ shares: [percent / 100] });
        for (const most of [100, 200, 20e9, 200e9]) {
          const used = (most / 100) * percent;
          const at = (amount: number) => settled(spent({ ...dollars, most }, amount)).length;
          expect([percent, most, at(used - 1), at(used)]).toEqual([percent, most, 0, 1]);
        }
      }
    });

    it("is told with the window in which it is reached", () => {
      const [reached] = watch().settled(spent(dollars, 900));
      expect(reached).toMatchObject({ who: "consumer:alice", used: 900, isFull: false });
      expect(reached!.window).toEqual({ start, end: Date.UTC(2026, 11, 1) });
      const hour: Limit = { ...dollars, window: "hour" };
      const hourly = watch({ windows: ["hour"] }).settled(spent(hour, 900));
      expect(hourly[0]!.window).toEqual({ start, end: start + 3_600_000 });
    });

    it("is seen at the decision for requests, for all else when they are settled", () => {
      const { decided } = watch();
      expect(shares(decided(alice, [state(requests, 50)], false))).toEqual([0.5]);
      expect(decided(alice, [state(dollars, 900)], false)).toEqual([]);
    });

    it("is all of it where a request had no room in one that is nearly full", () => {
      const { decided } = watch();
      expect(shares(decided(alice, [state(dollars, 960, 1000)], true))).toEqual([1]);
      expect(decided(alice, [state(dollars, 960, 1000)], true)[0]!.isFull).toBe(true);
      expect(decided(alice, [state(dollars, 960)], true)).toEqual([]);
      expect(decided(alice, [state(dollars, 600, 1000)], true)).toEqual([]);
      const none = watch({ shares: [0.5] });
      expect(shares(none.decided(alice, [state(dollars, 960, 1000)], true))).toEqual([0.5]);
    });

    it("is that of whose limit it is", () => {
      const team: Identity = { kind: "team", key: "team:team-a" };
      const states = [{ ...state(requests, 80), who: team }];
      expect(watch().decided(alice, states, false)[0]).toMatchObject({ who: "team:team-a" });
    });

    it("is not looked at of other measures and windows, and of requests under way", () => {
      const { decided, settled } = watch({ measures: ["cost_usd"] });
      expect(decided(alice, [state(requests, 100)], false)).toEqual([]);
      expect(settled(spent({ ...dollars, window: "minute" }, 1000))).toEqual([]);
      const lease: Limit = { measure: "concurrency", window: "lease", most: 1 };
      expect(watch().decided(alice, [state(lease, 1, 1000)], true)).toEqual([]);
      // A Redis that came back empty does not know how much it holds.
      expect(settled(spent({ ...dollars, most: 0 }, 10))).toEqual([]);
    });
  });
});
