import { describe, expect, it } from "vitest";
import type { Consumer } from "../../stages/exchange";
import { rulesOf } from "./rules";
import { rateLimitOptions } from "./schema";

const rules = (options: object, consumer?: Partial<Consumer>) =>
  rulesOf(rateLimitOptions.parse(options))?.(consumer && { id: "1", ...consumer });

const shown = (options: object, consumer?: Partial<Consumer>) =>
  rules(options, consumer)?.base.map(({ measure, window, most }) => `${most} ${measure}/${window}`);

describe("llm-rate-limit", () => {
  describe("which limits hold", () => {
    const tiers = [
      { consumers: ["batch-*"], requests: { hour: 9 }, concurrency: 50 },
      { tags: ["gold"], requests: { minute: 500 }, cost_usd: { month: 100.5 } },
    ];
    const options = {
      requests: { minute: 10, day: 100 },
      tokens: { day: 5000 },
      concurrency: 2,
      tiers,
    };

    it("is those of the base for whoever is in no tier", () => {
      const base = [
        "10 requests/minute",
        "100 requests/day",
        "5000 tokens/day",
        "2 concurrency/lease",
      ];
      expect(shown(options)).toEqual(base);
      expect(shown(options, { username: "alice", tags: ["silver"] })).toEqual(base);
    });

    it("is those of the first tier that matches a username, a custom_id or a tag", () => {
      const batch = ["9 requests/hour", "5000 tokens/day", "50 concurrency/lease"];
      expect(shown(options, { username: "batch-1", tags: ["gold"] })).toEqual(batch);
      expect(shown(options, { custom_id: "batch-2" })).toEqual(batch);
      expect(shown(options, { username: "alice", tags: ["gold"] })).toEqual([
        "500 requests/minute",
        "5000 tokens/day",
        "100500000000 cost_usd/month",
        "2 concurrency/lease",
      ]);
    });

    it("is beside them those of the first rule for the model", () => {
      const models = [
        { match: "gpt-4*", requests: { minute: 3 }, on_exceeded: "fallback", fallback: "deepseek" },
        { match: "*", tokens: { day: 7 } },
      ];
      const found = rules({ ...options, models }, { username: "alice" })!;
      expect(found.forModel("gpt-4.1")).toMatchObject({
        limits: [{ measure: "requests", window: "minute", most: 3, model: "gpt-4*" }],
        fallback: "deepseek",
      });
      expect(found.forModel("deepseek")).toMatchObject({ limits: [{ most: 7, model: "*" }] });
    });

    it("is none at all without any option", () => {
      expect(rules({})).toBeUndefined();
      expect(rules({ tiers: [{ consumers: ["a"] }] }, { username: "a" })).toBeUndefined();
    });
  });

  describe("options", () => {
    it.each<[object, string]>([
      [{ tiers: [{ requests: { day: 1 } }] }, "must name consumers or tags"],
      [{ models: [{ match: "*", on_exceeded: "fallback" }] }, "must name a model"],
      [{ models: [{ match: "*", fallback: "b" }] }, "must name a model"],
      [{ limit_by: "header" }, "must name the header"],
      [{ header_name: "X-Team" }, "must name the header"],
      [
        { cost_usd: { day: 1 }, prices: [], models: [{ match: "a", requests: { day: 1 } }] },
        'no price for "a"',
      ],
    ])("refuse %j", (options, message) => {
      const { error } = rateLimitOptions.safeParse(options);
      expect(error?.issues[0]?.message).toContain(message);
    });
  });
});
