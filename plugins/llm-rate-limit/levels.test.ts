import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import type { Consumer, Exchange } from "../../stages/exchange";
import { levelsOf } from "./levels";
import { rateLimitOptions } from "./schema";

interface Asked {
  consumer?: Partial<Consumer>;
  body?: object;
  request?: object;
  model?: string;
}

function met(options: object, { consumer, body = {}, request = {}, model }: Asked = {}): string[] {
  const parsed = RequestBody.parse(JSON.stringify(body));
  if ("problem" in parsed) throw new Error(parsed.problem);
  const exchange = {
    consumer: consumer && { id: "1", ...consumer },
    request,
    body: parsed,
    ticket: {},
  } as unknown as Exchange;
  const found = levelsOf(rateLimitOptions.parse(options))?.(exchange, model) ?? [];
  return found.map(({ limit, who }) => `${who.key} ${limit.most} ${limit.measure}/${limit.window}`);
}

const minute = (requests: number) => ({ requests: { minute: requests } });

describe("llm-rate-limit", () => {
  describe("levels", () => {
    it("are none where none are set", () => {
      expect(levelsOf(rateLimitOptions.parse({ requests: { minute: 1 } }))).toBeUndefined();
    });

    it("are everybody's, each team's, and the consumer's", () => {
      const levels = [
        { by: "everybody", cost_usd: { day: 50 } },
        { by: "team", ...minute(20) },
        { by: "consumer", tokens: { hour: 7 }, concurrency: 3 },
      ];
      const consumer = { username: "a b", tags: ["team-x", "gold", "team-y"] };
      expect(met({ levels }, { consumer })).toEqual([
        "everybody 50000000000 cost_usd/day",
        "team:team-x 20 requests/minute",
        "team:team-y 20 requests/minute",
        "consumer:a%20b 7 tokens/hour",
        "consumer:a%20b 3 concurrency/lease",
      ]);
      expect(met({ levels })).toEqual(["everybody 50000000000 cost_usd/day"]);
    });

    it("are by the first entry of their kind that names them", () => {
      const levels = [
        { by: "team", names: ["team-gold*"], ...minute(500) },
        { by: "everybody", ...minute(1000) },
        { by: "team", ...minute(20) },
      ];
      const ofTeam = (tag: string) => met({ levels }, { consumer: { tags: [tag] } })[0];
      expect(ofTeam("team-golden")).toBe("team:team-golden 500 requests/minute");
      expect(ofTeam("team-x")).toBe("team:team-x 20 requests/minute");
      expect(met({ levels, tag_prefix: "squad-" }, { consumer: { tags: ["squad-1"] } })).toEqual([
        ...["team:squad-1 20 requests/minute", "everybody 1000 requests/minute"],
      ]);
    });

    it("know the end user of an app by each API's member, never in clear", () => {
      const levels = [{ by: "end_user", ...minute(5) }];
      const of = (asked: Asked, more: object = {}) => met({ levels, ...more }, asked);
      const [user] = of({ body: { user: "kim@example.com" } });
      expect(user).toMatch(/^end_user:[\w-]{22} 5 requests\/minute$/);
      expect(of({ body: { metadata: { user_id: "kim@example.com" } } })).toEqual([user]);
      expect(of({ body: { safety_identifier: "kim@example.com", user: "lee" } })).toEqual([user]);
      const headers = { "x-user": "kim@example.com" };
      const named = { end_user_header: "X-User" };
      expect(of({ body: { user: "lee" }, request: { headers } }, named)).toEqual([user]);
      expect(of({ body: { user: 7, metadata: null } })).toEqual([]);
    });

    it("are a model's and a provider's, whoever asks", () => {
      const levels = [
        { by: "model", names: ["gpt-*"], ...minute(9) },
        { by: "provider", ...minute(99) },
        { by: "credential", ...minute(3) },
      ];
      const request = { service: "llm-upstream", credential: "c-1" };
      expect(met({ levels }, { model: "gpt-4.1", request })).toEqual([
        "model:gpt-4.1 9 requests/minute",
        "provider:llm-upstream 99 requests/minute",
        "credential:c-1 3 requests/minute",
      ]);
      expect(met({ levels }, { model: "claude" })).toEqual([]);
    });

    it("are a model's whatever it is called, and at most 200 letters of it", () => {
      const levels = [{ by: "model", ...minute(9) }];
      expect(met({ levels }, { model: `a${"😀".repeat(150)}` })[0]).toMatch(
        /^model:a(?:%F0%9F%98%80){99}%EF%BF%BD 9 /,
      );
    });

    it.each([
      ["sets no limit", { levels: [{ by: "team" }] }],
      ["is of no kind", { levels: [{ by: "galaxy", ...minute(1) }] }],
      ["has no such time zone", { time_zone: "Mars/Olympus" }],
    ])("are refused where one %s", (_, options) => {
      expect(rateLimitOptions.safeParse(options).success).toBe(false);
    });
  });
});
