import { Command } from "commander";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Entry } from "../plugins/llm-cache/answers";
import { answersInRedis } from "../plugins/llm-cache/answers-in-redis";
import { cacheOptions } from "../plugins/llm-cache/schema";
import { closeConnections, connectionTo, type RedisClient } from "../redis/connection";
import { redisOptions } from "../redis/options";
import { startRedis, type TestRedis } from "../test/support/redis";
import { addCache } from "./cache";

let redis: TestRedis;
let printed: string;
let serial = 0;

beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(() => redis.stop());
beforeEach(() => {
  printed = "";
  vi.stubEnv("REDIS_URL", "");
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  closeConnections();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** `kong-llm cache ...` as it is typed; what it prints. */
async function run(...typed: string[]): Promise<string> {
  const program = new Command("kong-llm").exitOverride();
  addCache(program);
  printed = "";
  await program.parseAsync(["cache", ...typed], { from: "user" });
  return printed;
}

const patient = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
const connect = (prefix: string) =>
  connectionTo(redisOptions.parse({ url: redis.url, prefix, ...patient }))!;
const inRedis = <T>(command: (client: RedisClient) => Promise<T>) => connect("admin").run(command);

function entryOf(change: Partial<Entry>): Entry {
  return {
    status: 200,
    content_type: "application/json",
    stored_at: 1_700_000_000_000,
    model: "gpt-4.1",
    consumer: "alice",
    body: Buffer.from("{}"),
    ...change,
  };
}

interface Given extends Partial<Entry> {
  prefix: string;
  count?: number;
}

async function store({ prefix, count = 1, ...change }: Given): Promise<void> {
  const cache = answersInRedis(connect(prefix), cacheOptions.parse({ redis: { prefix } }));
  const keys = Array.from({ length: count }, () => `key-${++serial}`);
  await Promise.all(keys.map((key) => cache.keep(key, entryOf(change), 60_000)));
}

/** A Redis as it is after a while, with another prefix's answers and a count beside ours. */
async function stock(prefix: string): Promise<string[]> {
  await store({ prefix, count: 3 });
  await store({ prefix, count: 2, model: "deepseek-v3.2", body: Buffer.alloc(1000, "x") });
  await store({ prefix, consumer: "bob", stored_at: 1_800_000_000_000 });
  await store({ prefix: `${prefix}-other` });
  await inRedis((client) => client.set(`${prefix}:limit:{alice}`, "1"));
  return ["--redis-url", redis.url, "--prefix", prefix];
}

/** Two nodes that share the slots of a Cluster. */
async function startCluster(): Promise<TestRedis[]> {
  const clustered = { arguments: ["--cluster-enabled", "yes"] };
  const nodes = await Promise.all([startRedis(clustered), startRedis(clustered)]);
  const on = <T>({ url }: TestRedis, command: (client: Redis) => Promise<T>) => {
    const client = new Redis(url);
    return command(client).finally(() => client.disconnect());
  };
  await on(nodes[0], (client) => client.cluster("ADDSLOTSRANGE", 0, 8191));
  await on(nodes[1], (client) => client.cluster("ADDSLOTSRANGE", 8192, 16383));
  await on(nodes[0], (client) => client.cluster("MEET", "127.0.0.1", nodes[1].port));
  for (const node of nodes) {
    const state = async () => String(await on(node, (client) => client.cluster("INFO")));
    await expect.poll(state).toContain("cluster_state:ok");
  }
  return nodes;
}

describe("llm-cache", () => {
  describe("kong-llm cache stats", () => {
    it("tells how many answers there are, by model and by consumer", async () => {
      const flags = await stock("stats");
      await inRedis((client) => client.set("stats:cache:{odd}", "not an entry"));
      await inRedis((client) => client.lpush("stats:cache:{list}", "x"));
      expect(JSON.parse(await run("stats", ...flags))).toEqual({
        answers: 6,
        bytes: 2008,
        garbage: 2,
        oldest: "2023-11-14T22:13:20.000Z",
        newest: "2027-01-15T08:00:00.000Z",
        models: [
          { name: "gpt-4.1", answers: 4, bytes: 8 },
          { name: "deepseek-v3.2", answers: 2, bytes: 2000 },
        ],
        consumers: [
          { name: "alice", answers: 5, bytes: 2006 },
          { name: "bob", answers: 1, bytes: 2 },
        ],
      });
    });

    it("tells of an empty Redis too, and finds it in REDIS_URL", async () => {
      vi.stubEnv("REDIS_URL", redis.url);
      expect(JSON.parse(await run("stats", "--prefix", "empty"))).toMatchObject({
        answers: 0,
        oldest: null,
        models: [],
      });
    });

    it("takes a prefix as it is written", async () => {
      await store({ prefix: "star-x" });
      await store({ prefix: "[star]*" });
      const stats = await run("stats", "--redis-url", redis.url, "--prefix", "[star]*");
      expect(JSON.parse(stats).answers).toBe(1);
    });
  });

  describe("kong-llm cache purge", () => {
    const left = async (flags: string[]) => JSON.parse(await run("stats", ...flags)).answers;

    it.each<[string, string[], number]>([
      ["the answers of a model", ["--model", "deepseek-v3.2"], 2],
      ["the answers to a consumer", ["--consumer", "alice"], 5],
      ["what fits both", ["--consumer", "alice", "--model", "gpt-4.1"], 3],
      ["nothing where nobody is called so", ["--consumer", "ali*"], 0],
      ["all answers, and nothing beside them", ["--all"], 6],
    ])("removes %s", async (what, choice, count) => {
      const prefix = `purge ${what}`;
      const flags = await stock(prefix);
      expect(await run("purge", ...choice, ...flags)).toBe(`purged ${count} answers\n`);
      expect(await left(flags)).toBe(6 - count);
      expect(await left(["--redis-url", redis.url, "--prefix", `${prefix}-other`])).toBe(1);
      expect(await inRedis((client) => client.get(`${prefix}:limit:{alice}`))).toBe("1");
    });

    it("removes garbage with all", async () => {
      await inRedis((client) => client.lpush("garbage:cache:{list}", "x"));
      const flags = ["--redis-url", redis.url, "--prefix", "garbage"];
      expect(await run("purge", "--all", ...flags)).toBe("purged 1 answer\n");
      expect(await inRedis((client) => client.exists("garbage:cache:{list}"))).toBe(0);
    });

    it("walks over many answers in pages", async () => {
      await store({ prefix: "many", count: 3000 });
      await store({ prefix: "many", count: 3000, consumer: "bob" });
      const flags = ["--redis-url", redis.url, "--prefix", "many"];
      expect(await run("purge", "--consumer", "bob", ...flags)).toBe("purged 3000 answers\n");
      expect(await left(flags)).toBe(3000);
    });
  });

  it("finds its answers on all nodes of a Cluster", async () => {
    const nodes = await startCluster();
    try {
      const places = { cluster_nodes: [`127.0.0.1:${nodes[0]!.port}`] };
      const options = cacheOptions.parse({ redis: { ...places, ...patient } });
      const cache = answersInRedis(connectionTo(options.redis)!, options);
      for (let at = 0; at < 40; at++) {
        const wish = { after: 0, id: "r1", leaseMs: 1000 };
        expect(await cache.look(`k${at}`, wish)).toMatchObject({ state: "leads" });
        await cache.keep(`k${at}`, entryOf({ model: at < 30 ? "a" : "b" }), 60_000, "r1");
      }
      const flags = ["--redis", JSON.stringify(places)];
      expect(JSON.parse(await run("stats", ...flags)).answers).toBe(40);
      expect(await run("purge", "--model", "a", ...flags)).toBe("purged 30 answers\n");
      expect(await run("purge", "--all", ...flags)).toBe("purged 10 answers\n");
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  });

  describe("kong-llm cache refuses", () => {
    it.each<[string, string[], RegExp]>([
      ["a purge without a choice", ["purge"], /^say what to purge/],
      [
        "a purge of all and of some at once",
        ["purge", "--all", "--model", "m"],
        /^say what to purge/,
      ],
      [
        "to guess where the answers are",
        ["stats"],
        /policy local are in the memory of each plugin/,
      ],
      [
        "an address of something else",
        ["stats", "--redis-url", "http://:secret@host"],
        /: url must be redis:..HOST:PORT.DATABASE, or rediss/,
      ],
      ["a vault reference", ["stats", "--redis-url", "{vault://env/url}"], /only Kong resolves/],
      [
        "braces",
        ["stats", "--redis-url", "redis://h", "--prefix", "{"],
        /: prefix must not hold braces/,
      ],
      [
        "to hang where nobody answers",
        ["stats", "--redis-url", "redis://:secret@127.0.0.1:1"],
        /^Redis at 127.0.0.1:1\/0 is unavailable: the connection fails with ECONNREFUSED$/,
      ],
    ])("%s", async (_, typed, message) => {
      const error = await run(...typed).catch((thrown: Error) => thrown);
      expect(error).toBeInstanceOf(Error);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toContain("secret");
      expect(printed).toBe("");
    });
  });
});
