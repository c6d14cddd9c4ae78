// Limits on five levels at once, three plugin servers as nodes: none is passed, the tightest is met exactly,
// and a level that refuses takes nothing from the others; on one Redis, and on a Cluster of three masters.

import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type PluginServer, startPluginServer } from "../../dev/plugin-server";
import { KongWorker } from "../support/kong-worker";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

let servers: PluginServer[];
let redis: TestRedis;
let masters: TestRedis[];

beforeAll(async () => {
  const clustered = ["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"];
  const three = [0, 1, 2];
  [redis, masters, servers] = await Promise.all([
    startRedis(),
    Promise.all(three.map(() => startRedis({ arguments: clustered }))),
    Promise.all(three.map(() => startPluginServer())),
  ]);
  await joinAll(masters);
});
afterAll(() =>
  Promise.all([redis, ...(masters ?? []), ...(servers ?? [])].map((started) => started?.stop())),
);

async function joinAll(nodes: TestRedis[]): Promise<void> {
  const slots = 16_384;
  const clients = nodes.map(({ url }) => new Redis(url));
  try {
    const each = Math.ceil(slots / nodes.length);
    for (const [n, client] of clients.entries()) {
      await client.cluster("ADDSLOTSRANGE", n * each, Math.min(slots, (n + 1) * each) - 1);
      if (n > 0) await client.cluster("MEET", "127.0.0.1", nodes[0]!.port);
    }
    const isWhole = async (client: Redis) => {
      const info = String(await client.cluster("INFO"));
      return info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3");
    };
    const all = async () => (await Promise.all(clients.map(isWhole))).every(Boolean);
    // In a hook, where expect.poll is not to be had.
    await vi.waitFor(async () => expect(await all()).toBe(true), { timeout: 60_000 });
  } finally {
    for (const client of clients) client.disconnect();
  }
}

interface Asked {
  username: string;
  tags: string[];
  user: string;
  model: string;
}

// Two teams of two consumers, forty end users, two models: all in turn.
const asks: Asked[] = Array.from({ length: 2000 }, (_, n) => ({
  username: `app-${n % 4}`,
  tags: [`team-${n % 2}`, "other"],
  user: `user-${n % 40}`,
  model: n % 3 === 0 ? "gpt-4.1" : "deepseek-v3.2",
}));

interface Most {
  everybody: number;
  team: number;
  consumer: number;
  user: number;
  model: number;
}

/** How many of all passed, as each level sees them. */
async function run(most: Most, redisOptions: object, namespace: string) {
  const config = {
    ...{
      policy: "redis",
      redis: { ...redisOptions, ...redisPatience },
      on_redis_failure: "refuse",
    },
    ...{ namespace, requests: { month: most.consumer } },
    levels: [
      { by: "everybody", requests: { month: most.everybody } },
      { by: "team", requests: { month: most.team } },
      { by: "end_user", requests: { month: most.user } },
      { by: "model", names: ["gpt-4*"], requests: { month: most.model } },
    ],
  };
  const nodes = await Promise.all(servers.map((server) => KongWorker.start(server, config)));
  const decided = await Promise.all(
    asks.map(async (asked, n) => {
      const consumer = { id: asked.username, username: asked.username, tags: asked.tags };
      const body = {
        ...{ model: asked.model, user: asked.user },
        messages: [{ role: "user", content: "Say nothing." }],
      };
      return { asked, answer: await nodes[n % nodes.length]!.ask(consumer, body) };
    }),
  );
  const passed = decided.filter(({ answer }) => "decision" in answer);
  const by = (key: (asked: Asked) => string) => {
    const counts: Record<string, number> = {};
    for (const { asked } of passed) counts[key(asked)] = (counts[key(asked)] ?? 0) + 1;
    return counts;
  };
  const refusals = decided.flatMap(({ answer }) => ("status" in answer ? [answer] : []));
  return { all: passed.length, by, refusals };
}

/** What the tallies of a level hold together, on all masters. */
async function takenOf(level: string, namespace: string): Promise<number> {
  const nodes = [redis, ...masters].map(({ url }) => new Redis(url));
  try {
    const counts = await Promise.all(
      nodes.map(async (node) => {
        const keys = await node.keys(`*{${namespace}}:requests:month:${level}*`);
        return Promise.all(keys.map((key) => node.hget(key, "count")));
      }),
    );
    return counts.flat().reduce((sum, count) => sum + Number(count), 0);
  } finally {
    for (const node of nodes) node.disconnect();
  }
}

type Counted = Awaited<ReturnType<typeof run>>;

const places = [
  ["one Redis", () => ({ url: redis.url })],
  ["a Cluster", () => ({ cluster_nodes: masters.map(({ port }) => `127.0.0.1:${port}`) })],
] as const;

describe("llm-rate-limit", () => {
  describe.each(places)("on five levels in %s", (place, options) => {
    const wide = { everybody: 5000, team: 5000, consumer: 5000, user: 5000, model: 5000 };
    const cases: [keyof Most, number, (counted: Counted) => number[]][] = [
      ["everybody", 701, ({ all }) => [all]],
      ["team", 300, ({ by }) => Object.values(by(({ tags }) => tags[0]!))],
      ["consumer", 150, ({ by }) => Object.values(by(({ username }) => username))],
      ["user", 11, ({ by }) => Object.values(by(({ user }) => user))],
      ["model", 99, ({ by }) => [by(({ model }) => model)["gpt-4.1"]!]],
    ];

    it.each(cases)(
      "meets the one of %s exactly where that is the tightest",
      async (level, most, seen) => {
        const namespace = `${place}-${level}`;
        const counted = await run({ ...wide, [level]: most }, options(), namespace);
        expect(new Set(seen(counted))).toEqual(new Set([most]));
        // What this level has refused is taken from no other one.
        for (const other of ["everybody", "team", "consumer", "end_user"]) {
          expect(await takenOf(other, namespace)).toBe(counted.all);
        }
        const kinds = { user: "end user", everybody: "everybody together" } as Record<
          string,
          string
        >;
        for (const { body } of counted.refusals.slice(0, 5)) {
          expect(JSON.parse(body).error.message).toContain(kinds[level] ?? level);
        }
      },
    );

    it("passes none where all of them are tight, and takes nothing for what it refuses", async () => {
      const most = { everybody: 900, team: 500, consumer: 240, user: 25, model: 200 };
      const { all, by } = await run(most, options(), `${place}-all`);
      expect(all).toBeLessThanOrEqual(most.everybody);
      for (const count of Object.values(by(({ tags }) => tags[0]!))) {
        expect(count).toBeLessThanOrEqual(most.team);
      }
      for (const count of Object.values(by(({ username }) => username))) {
        expect(count).toBeLessThanOrEqual(most.consumer);
      }
      for (const count of Object.values(by(({ user }) => user))) {
        expect(count).toBeLessThanOrEqual(most.user);
      }
      expect(by(({ model }) => model)["gpt-4.1"]).toBeLessThanOrEqual(most.model);
      // Nobody was refused for what another level had refused: some limit is used up to the unit.
      const isMet = [
        all === most.everybody,
        Object.values(by(({ tags }) => tags[0]!)).includes(most.team),
        Object.values(by(({ username }) => username)).includes(most.consumer),
        Object.values(by(({ user }) => user)).includes(most.user),
      ];
      expect(isMet).toContain(true);
    });
  });
});
