// What soft limits promise, with ten plugin servers as nodes on one Redis: one message for a share, however
// many see it; one after a receiver was down; no secret in what a node says; and no request pays for it.

import { createServer, type Server } from "node:http";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort, type PluginServer, startPluginServer } from "../../dev/plugin-server";
import { KongWorker } from "../support/kong-worker";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

const count = 10;
const secret = "whsec_c2VjcmV0IG9mIGEgdGVzdCwgbm9ib2R5J3M=";
const token = "token-of-the-address";
const alice = { id: "1", username: "alice", tags: ["team-a"] };
const chat = { model: "gpt-4.1", messages: [{ role: "user", content: "Hi" }], max_tokens: 10 };

let redis: TestRedis;
let servers: PluginServer[] = [];
let said = "";

beforeAll(async () => {
  const output = (text: string) => {
    said += text;
  };
  redis = await startRedis();
  servers = await Promise.all(Array.from({ length: count }, () => startPluginServer({ output })));
});
afterAll(() => Promise.all([redis?.stop(), ...servers.map((server) => server.stop())]));

class Receiver {
  readonly got: { id: string; share: number; used: number; signature: string }[] = [];
  private server: Server | undefined;
  private port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook/${token}`;
  }

  async start(): Promise<void> {
    this.server = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      const { share, used } = JSON.parse(body).data;
      const { "webhook-id": id, "webhook-signature": signature } = request.headers;
      this.got.push({ id: String(id), share, used, signature: String(signature) });
      response.end();
    });
    // The same after it was down.
    this.port ||= await freePort();
    await new Promise<void>((up) => this.server!.listen(this.port, "127.0.0.1", up));
  }

  async stop(): Promise<void> {
    this.server!.closeAllConnections();
    await new Promise((down) => this.server!.close(down));
  }
}

function nodesOf(namespace: string, options: object): Promise<KongWorker[]> {
  const config = {
    ...{ policy: "redis", redis: { url: redis.url, ...redisPatience }, on_redis_failure: "refuse" },
    ...{ namespace, ...options },
  };
  return Promise.all(servers.map((server) => KongWorker.start(server, config)));
}

/** The sum of a metric over all nodes. */
async function metric(name: string): Promise<number> {
  const texts = await Promise.all(
    servers.map(async ({ healthUrl }) => (await fetch(`${healthUrl}/metrics`)).text()),
  );
  const lines = texts.flatMap((text) => text.split("\n"));
  const values = lines
    .filter((line) => line.startsWith(name))
    .map((line) => line.split(" ").at(-1));
  return values.reduce((sum, value) => sum + Number(value), 0);
}

const isQuiet = async () => (await metric("llm_rate_limit_notices_waiting")) === 0;

/** Asks on each node in turn, all at once; each request that passes uses so much. */
async function ask(nodes: KongWorker[], times: number, usage = { prompt_tokens: 1 }) {
  const all = Array.from({ length: times }, async (_, n) => {
    const node = nodes[n % nodes.length]!;
    const decided = await node.ask(alice, chat);
    if (!("decision" in decided)) return false;
    await node.report(decided.decision, 200, { usage });
    return true;
  });
  return (await Promise.all(all)).filter(Boolean).length;
}

const soon = { timeout: 60_000, interval: 100 };

describe("llm-rate-limit", () => {
  describe("on ten nodes", () => {
    it("tells each share of a limit once, signed", async () => {
      const receiver = new Receiver();
      await receiver.start();
      const notices = [{ url: receiver.url, secret }];
      const nodes = await nodesOf("once", { requests: { month: 100 }, notices });
      const shares = () => receiver.got.map(({ share }) => share);
      expect(await ask(nodes, 50)).toBe(50);
      await expect.poll(shares, soon).toEqual([0.5]);
      expect(await ask(nodes, 30)).toBe(30);
      await expect.poll(shares, soon).toEqual([0.5, 0.8]);
      expect(await ask(nodes, 40)).toBe(20);
      await expect.poll(shares, soon).toEqual([0.5, 0.8, 1]);

      // Each node has seen all of it by now, and knows that it was told.
      expect(await ask(nodes, 20)).toBe(0);
      await expect.poll(isQuiet, { timeout: 120_000, interval: 500 }).toBe(true);
      expect(shares()).toEqual([0.5, 0.8, 1]);
      for (const { signature } of receiver.got) expect(signature).toMatch(/^v1,[\w+/]{43}=$/);
      await receiver.stop();
    }, 300_000);

    it("tells it once after the receiver was down, and no node says a secret", async () => {
      const receiver = new Receiver();
      await receiver.start();
      await receiver.stop();
      const notices = [{ url: receiver.url, secret, measures: ["tokens"] }];
      const nodes = await nodesOf("down", { tokens: { month: 1000 }, notices });
      const later = await metric("llm_rate_limit_notices_total");
      await ask(nodes, 20, { prompt_tokens: 30 });
      await expect
        .poll(() => metric("llm_rate_limit_notices_total"), soon)
        .toBeGreaterThanOrEqual(later + 2);
      await receiver.start();
      await expect.poll(() => receiver.got, soon).toHaveLength(1);
      await expect.poll(isQuiet, { timeout: 120_000, interval: 500 }).toBe(true);

      expect(receiver.got).toMatchObject([{ share: 0.5 }]);
      expect(receiver.got[0]!.used).toBeGreaterThanOrEqual(500);
      expect(said).toContain("ECONNREFUSED");
      const metrics = await (await fetch(`${servers[0]!.healthUrl}/metrics`)).text();
      for (const text of [secret.slice(6), token]) {
        expect(said).not.toContain(text);
        expect(metrics).not.toContain(text);
      }
      await receiver.stop();
    }, 300_000);

    it("asks Redis at most once to decide and once to settle, over five levels and with all of this", async () => {
      const receiver = new Receiver();
      await receiver.start();
      const nodes = await nodesOf("counted", {
        ...{ requests: { month: 10_000 }, cost_usd: { month: 1000 } },
        levels: ["everybody", "team", "end_user", "model"].map((by) => ({
          ...{ by, requests: { day: 10_000 }, cost_usd: { month: 1000 } },
        })),
        notices: [{ url: receiver.url }],
        on_share: [{ share: 0.9, model: "deepseek-v3.2" }],
      });
      // The first of each node tells it the mark of this Redis.
      await ask(nodes, count);
      const watching = new Redis(redis.url);
      const monitor = await watching.monitor();
      const asked: string[] = [];
      monitor.on("monitor", (_: string, args: string[], source: string) => {
        if (source !== "lua") asked.push(args[0]!.toLowerCase());
      });
      expect(await ask(nodes, 200)).toBe(200);
      await watching.ping();
      await expect.poll(() => asked, soon).toContain("ping");
      monitor.disconnect();
      watching.disconnect();
      const scripts = asked.filter((name) => name.startsWith("eval"));
      expect(scripts.length).toBeGreaterThan(0);
      expect(scripts.length).toBeLessThanOrEqual(2 * 200);
      expect(asked.filter((name) => !name.startsWith("eval") && name !== "ping")).toEqual([]);
      await receiver.stop();
    });
  });
});
