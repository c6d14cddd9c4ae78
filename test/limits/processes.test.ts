// What a limit promises, with the plugin servers as processes: it holds to the unit, however many
// they are, and when one of them dies.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PluginServer, startPluginServer } from "../../dev/plugin-server";
import { edited } from "../../kong/edits";
import { type Decided, KongWorker } from "../support/kong-worker";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

const budget = 1000;
const asked = 2000;
const chat = { model: "gpt-4.1", messages: [{ role: "user", content: "Say nothing." }] };
const alice = { id: "1", username: "alice" };

let redis: TestRedis;
let servers: PluginServer[];
let namespaces = 0;

beforeAll(async () => {
  [redis, ...servers] = (await Promise.all([
    startRedis(),
    ...Array.from({ length: 4 }, () => startPluginServer()),
  ])) as [TestRedis, ...PluginServer[]];
});
afterAll(() => Promise.all([redis?.stop(), ...(servers ?? []).map((server) => server.stop())]));

const newNamespace = () => `processes-${++namespaces}`;

function workers(options: object, on = servers, namespace = newNamespace()): Promise<KongWorker[]> {
  // The machine may be busy with other tests: then Redis is slow, and still not away.
  const config = {
    ...{ policy: "redis", redis: { url: redis.url, ...redisPatience }, on_redis_failure: "refuse" },
    ...{ namespace, ...options },
  };
  return Promise.all(on.map((server) => KongWorker.start(server, config)));
}

function passed(decided: Decided[]): Extract<Decided, { decision: unknown }>[] {
  return decided.filter((one) => "decision" in one);
}

describe("llm-rate-limit", () => {
  describe("in four processes on one Redis", () => {
    it(`lets exactly ${budget} of ${asked} concurrent requests pass`, async () => {
      const four = await workers({ requests: { month: budget } });
      const decided = await Promise.all(
        Array.from({ length: asked }, (_, i) => four[i % 4]!.ask(alice, chat)),
      );
      const statuses = decided.map((one) => ("status" in one ? one.status : 200));

      expect(statuses.filter((status) => status === 200)).toHaveLength(budget);
      expect(statuses.filter((status) => status === 429)).toHaveLength(asked - budget);
    });

    it("gives out no token more than a budget with hard_cap, also while answers settle it", async () => {
      const tokens = 50_000;
      const four = await workers({ tokens: { month: tokens }, hard_cap: true });
      let used = 0;
      const one = async (i: number) => {
        const worker = four[i % 4]!;
        const body = { ...chat, max_tokens: 50 + (i % 400) };
        const decided = await worker.ask(alice, body);
        if (!("decision" in decided)) return;
        // The model takes each prompt for 8 tokens and says all that it may.
        const sent = edited(JSON.stringify(body), decided.decision.edits);
        const completion_tokens = JSON.parse(sent).max_tokens;
        used += 8 + completion_tokens;
        const usage = { prompt_tokens: 8, completion_tokens };
        await worker.report(decided.decision, 200, { usage });
      };
      for (let i = 0; i < 600; i += 40) {
        await Promise.all(Array.from({ length: 40 }, (_, at) => one(i + at)));
      }

      expect(used).toBeLessThanOrEqual(tokens);
      // Nothing is held back either: what is left is less than one more request may take.
      expect(used).toBeGreaterThan(tokens - 500);
    });

    it("passes no budget when one of them is killed in the middle", async () => {
      const options = { requests: { month: budget }, tokens: { month: 10_000_000 } };
      const namespace = newNamespace();
      const four = await workers(options, servers, namespace);
      const victim = servers[3]!;
      const before = Array.from({ length: asked / 2 }, (_, i) => four[i % 4]!.ask(alice, chat));
      await before[100];
      await victim.kill();
      const alive = await Promise.all(before.filter((_, i) => i % 4 !== 3));
      const after = await Promise.all(
        Array.from({ length: asked / 2 }, (_, i) => four[i % 3]!.ask(alice, chat)),
      );
      await victim.restart();
      const [restarted] = await workers(options, [victim], namespace);
      const late = await Promise.all(Array.from({ length: 50 }, () => restarted!.ask(alice, chat)));

      const count = passed([...alive, ...after]).length;
      expect(count).toBeLessThanOrEqual(budget);
      // What died with the process had been asked of it: no more than that is missing.
      expect(count).toBeGreaterThanOrEqual(budget - asked / 8);
      expect(passed(late)).toHaveLength(0);
    });

    it("settles a request that ends after the restart of its server, once", async () => {
      const options = { tokens: { month: 1000 } };
      const namespace = newNamespace();
      const [worker] = await workers(options, servers.slice(0, 1), namespace);
      const [first] = passed([await worker!.ask(alice, { ...chat, max_tokens: 900 })]);
      await servers[0]!.restart();
      const [again] = await workers(options, servers.slice(0, 1), namespace);
      for (let i = 0; i < 3; i++) {
        const usage = { prompt_tokens: 10, completion_tokens: 90 };
        await again!.report(first!.decision, 200, { usage });
      }
      const [next] = passed([await again!.ask(alice, { ...chat, max_tokens: 1 })]);

      const { response_headers } = next!.decision;
      // Of the next one: 3 tokens of text, 4 of its message and 1 of output.
      expect(response_headers["x-ratelimit-remaining-tokens"]).toBe(String(1000 - 100 - 8));
    });
  });

  describe("in one process without a Redis", () => {
    it(`lets exactly ${budget} of ${asked} concurrent requests pass`, async () => {
      const local = { requests: { month: budget }, policy: "local" };
      const [worker] = await workers(local, servers.slice(1, 2));
      const decided = await Promise.all(
        Array.from({ length: asked }, () => worker!.ask(alice, chat)),
      );

      expect(passed(decided)).toHaveLength(budget);
    });
  });
});
