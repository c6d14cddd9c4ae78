import { describe, expect, it } from "vitest";
import type { Limit } from "./limit";
import { noticeBody, noticeName, noticeOf, type Reached } from "./notice";

const month: Limit = { measure: "cost_usd", window: "month", most: 20_000_000_000 };
const window = { start: Date.UTC(2026, 10, 1), end: Date.UTC(2026, 11, 1) };
const reached: Reached = {
  ...{ limit: month, who: "team:team-a", share: 0.8, used: 16_500_000_000, isFull: false, window },
};
const at = Date.UTC(2026, 10, 20, 9);

function told(one: Partial<Reached>, zone = "UTC") {
  const whole = { ...reached, ...one };
  const about = { namespace: "default", zone };
  const notice = noticeOf(whole, noticeName("default", whole), about, at);
  return {
    id: notice.id,
    json: JSON.parse(noticeBody(notice, "json")),
    slack: JSON.parse(noticeBody(notice, "slack")).text as string,
  };
}

describe("llm-rate-limit", () => {
  describe("a message that a share of a limit is used", () => {
    it("tells whose limit it is, its size, what is used of it and until when", () => {
      expect(told({}).json).toEqual({
        type: "limit.share_reached",
        timestamp: "2026-11-20T09:00:00.000Z",
        data: {
          ...{ level: "team", name: "team-a", model: null, measure: "cost_usd", window: "month" },
          ...{ share: 0.8, used: 16.5, limit: 20, refused_for_it: false },
          window_start: "2026-11-01T00:00:00.000Z",
          window_end: "2026-12-01T00:00:00.000Z",
          namespace: "default",
        },
      });
    });

    it("is a sentence for Slack, in the time zone of the limits", () => {
      expect(told({}, "Asia/Seoul").slack).toBe(
        "Team team-a has used 82 % of the budget by month: $16.5 of $20, until 2026-12-01 09:00 Asia/Seoul.",
      );
      const limit: Limit = {
        measure: "input_tokens",
        window: "day",
        most: 1_000_000,
        model: "gpt-*",
      };
      const full = { limit, who: "everybody", used: 1_000_000, isFull: true, share: 1 };
      expect(told(full).slack).toBe(
        "Everybody together has used 100 % of the limit of input tokens by day for the models gpt-*: 1,000,000 of 1,000,000, until 2026-12-01 00:00 UTC. Requests are refused for it.",
      );
    });

    it("says whole per cent as they are", () => {
      const limit: Limit = { measure: "requests", window: "day", most: 100 };
      for (let used = 1; used <= 100; used++)
        expect(told({ limit, used }).slack).toContain(` has used ${used} % of`);
    });

    it("calls nobody by a name that Slack reads as mark-up", () => {
      const who = `consumer:${encodeURIComponent("<!channel> & co")}`;
      expect(told({ who }).slack).toContain("Consumer &lt;!channel&gt; &amp; co has used");
      expect(told({ who }).json.data.name).toBe("<!channel> & co");
    });

    it("has an id that is the same for a limit, window, size and share, and no other", () => {
      const { id } = told({});
      expect(told({ used: 19_000_000_000 }).id).toBe(id);
      const later = { start: window.end, end: window.end + 1 };
      const others = [
        { share: 0.5 },
        { who: "team:team-b" },
        { window: later },
        { limit: { ...month, most: 40_000_000_000 } },
        { limit: { ...month, model: "gpt-*" } },
      ];
      expect(new Set([id, ...others.map((other) => told(other).id)]).size).toBe(6);
    });
  });
});
