// A Redis that is killed and comes back without its data: what the nodes know of the windows that go on is
// counted there again, by each once, and no limit is passed for it.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PluginServer, startPluginServer } from "../../dev/plugin-server";
import { KongWorker } from "../support/kong-worker";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

const body = { model: "gpt-4.1", messages: [{ role: "user", content: "Say nothing." }] };
const alice = { id: "1", username: "alice", tags: ["team-a"] };

let redis: TestRedis;
let servers: PluginServer[];

beforeAll(async () => {
  [redis, ...servers] = (await Promise.all([
    startRedis(),
    startPluginServer(),
    startPluginServer(),
  ])) as [TestRedis, ...PluginServer[]];
});
afterAll(() => Promise.all([redis?.stop(), ...(servers ?? []).map((server) => server.stop())]));

describe("llm-rate-limit", () => {
  describe("when Redis comes back empty", () => {
    it("lets exactly the rest of a month pass, on all nodes together", async () => {
      const config = {
        ...{ policy: "redis", requests: { month: 1000 } },
        levels: [{ by: "team", requests: { month: 5000 } }],
        redis: { url: redis.url, ...redisPatience },
      };
      const nodes = await Promise.all(
        servers.map((server) =>
          KongWorker.start(server, { ...config, on_redis_failure: "refuse" }),
        ),
      );
      const passing = async (count: number, node: KongWorker) => {
        const all = await Promise.all(Array.from({ length: count }, () => node.ask(alice, body)));
        return all.filter((one) => "decision" in one).length;
      };
      expect(await passing(500, nodes[0]!)).toBe(500);
      expect(await passing(300, nodes[1]!)).toBe(300);

      await redis.restart();
      // Until both nodes are connected again nothing passes: the operator has said so.
      const back = async (node: KongWorker) => (await passing(1, node)) === 1;
      await expect.poll(() => back(nodes[0]!), { timeout: 60_000, interval: 200 }).toBe(true);
      await expect.poll(() => back(nodes[1]!), { timeout: 60_000, interval: 200 }).toBe(true);

      const [one, other] = await Promise.all([passing(400, nodes[0]!), passing(400, nodes[1]!)]);
      expect(one + other).toBe(1000 - 802);
      // And not twice: what has been counted again is known.
      expect(await passing(10, nodes[0]!)).toBe(0);
    });
  });
});
