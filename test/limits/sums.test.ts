// Ten thousand requests of all kinds, over two nodes, while plugin servers and an append-only Redis are
// stopped and started: what the usage lines say, what the ledger holds and what the budgets in Redis have
// counted is the same to the nano-dollar.

import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type PluginServer, startPluginServer } from "../../dev/plugin-server";
import { nanoUsd } from "../../models/money";
import { ledgerInRedis } from "../../plugins/llm-usage/ledger-in-redis";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import type { Decision } from "../../stages/decision";
import { KongWorker } from "../support/kong-worker";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";
import { connectTo } from "../support/taking";

const rounds = 10;
const each = 1000;
const namespace = "sums";
const prefix = "sums";

let redis: TestRedis;
let servers: PluginServer[];
const printed = ["", ""];

beforeAll(async () => {
  redis = await startRedis({ keeps: true });
  servers = await Promise.all(
    printed.map((_, n) =>
      startPluginServer({
        output: (text) => {
          printed[n] += text;
        },
      }),
    ),
  );
});
afterAll(() => Promise.all([redis?.stop(), ...(servers ?? []).map((server) => server.stop())]));

const month = { cost_usd: { month: 1_000_000 } };

function config() {
  const there = { policy: "redis", redis: { url: redis.url, prefix, ...redisPatience } };
  return {
    usage: { ledger: there },
    upstream_key: { keys: [{ value: "CHANGEME" }] },
    rate_limit: {
      ...{ ...there, namespace, on_redis_failure: "refuse", ...month },
      levels: ["everybody", "team", "model"].map((by) => ({ by, ...month })),
    },
  };
}

/** A price with steps, tiers and cache writes; the guides' flat ones; and one for a request. */
const models = ["gpt-5.4", "gpt-5.6-terra", "claude-sonnet-4.5", "deepseek-v3.2"];

const tokens = (max: number) => fc.integer({ min: 0, max });

/** How a request ends: with a usage that it states, with an answer that states none, or not well. */
const ends = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      status: fc.constant(200),
      answer: fc
        .record({
          // Beyond the step of the longest prompts, too.
          prompt_tokens: fc.oneof(tokens(5000), tokens(400_000)),
          completion_tokens: tokens(3000),
          parts: fc.record({ cached_tokens: tokens(5000), cache_write_tokens: tokens(5000) }),
          service_tier: fc.constantFrom("default", "priority", "fast"),
        })
        .map(({ parts, service_tier, ...usage }) => ({
          choices: [{ message: { content: "yes" }, finish_reason: "stop" }],
          usage: { ...usage, prompt_tokens_details: parts },
          service_tier,
        })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant({
      status: 200,
      answer: { choices: [{ message: { content: "some words" }, finish_reason: "stop" }] },
    }),
  },
  { weight: 1, arbitrary: fc.constant({ status: 500, answer: { error: { message: "no" } } }) },
);

const asked = fc.record({
  consumer: tokens(6).map((n) => ({ id: `${n}`, username: `app-${n}`, tags: [`team-${n % 2}`] })),
  model: fc.constantFrom(...models),
  prompt: fc.string({ maxLength: 60 }),
  max_tokens: fc.integer({ min: 1, max: 4000 }),
  ends,
});
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

interface UnderWay {
  decision: Decision;
  ends: { status: number; answer: object };
}

/** As a client does, again and again while Redis is away. Undefined for a hit of the cache. */
async function ask(node: KongWorker, one: Asked): Promise<UnderWay | undefined> {
  const { consumer, model, prompt, max_tokens } = one;
  const body = { model, max_tokens, messages: [{ role: "user", content: prompt }] };
  let decided = await node.ask(consumer, body);
  while (!("decision" in decided)) {
    if (decided.status === 200) return undefined;
    expect(decided.status).toBe(503);
    await setTimeout(100);
    decided = await node.ask(consumer, body);
  }
  const { status, answer } = one.ends;
  // Only the vendors whose prices know tiers name one.
  const untiered = { ...answer, service_tier: undefined };
  const isTiered = model.startsWith("gpt-");
  return { decision: decided.decision, ends: { status, answer: isTiered ? answer : untiered } };
}

type Sums = Record<string, number>;

function add(sums: Sums, name: string, amount: number): void {
  if (amount > 0) sums[name] = (sums[name] ?? 0) + amount;
}

/** Of everybody, and of each consumer and model. */
function sumsOf(rows: { consumer: string; model: string; cost: number }[]): Sums {
  const sums: Sums = {};
  for (const { consumer, model, cost } of rows) {
    for (const name of ["everybody", `consumer:${consumer}`, `model:${model}`]) {
      add(sums, name, cost);
    }
  }
  return sums;
}

function linesWritten(): UsageLine[] {
  const lines = printed.flatMap((text) => text.split("\n"));
  return lines.filter((line) => line.startsWith('{"time"') && line.endsWith("}")).map(parsed);
}
const parsed = (line: string) => JSON.parse(line) as UsageLine;

function linesServed(): UsageLine[] {
  return linesWritten().filter(({ source }) => source === "service" || source === "cache");
}

function sumsOfLines(): Sums {
  return sumsOf(
    linesWritten().map(({ consumer, model, cost_usd }) => ({
      ...{ consumer: consumer ?? "", model: model ?? "" },
      cost: nanoUsd(cost_usd ?? 0),
    })),
  );
}

async function sumsOfLedger(): Promise<Sums> {
  const keeping = { retainDays: 400, mostRows: 5000, dayOf: () => "2026-01-01" };
  const ledger = ledgerInRedis(connectTo(redis), prefix, keeping);
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const span = { from: day(Date.now() - 86_400_000), to: day(Date.now()) };
  const rows = await ledger.read(span);
  return sumsOf(
    rows.map(({ consumer, model, amounts }) => ({
      ...{ consumer, model: model ?? "", cost: amounts.cost },
    })),
  );
}

async function sumsOfBudgets(): Promise<Sums> {
  const start = `${prefix}:limit:{${namespace}}:cost_usd:month:`;
  return connectTo(redis).run(async (client) => {
    const keys = (await client.keys(`${start}*`)).filter((key) => !key.includes(":team:"));
    const sums: Sums = {};
    for (const key of keys) {
      add(sums, key.slice(start.length), Number(await client.hget(key, "count")));
    }
    return sums;
  });
}

function nodesOf(): Promise<KongWorker[]> {
  return Promise.all(servers.map((server) => KongWorker.start(server, config(), "llm-gateway")));
}

describe("ten thousand requests", () => {
  it("cost the same by the lines, by the ledger and by the budgets, whatever is restarted", async () => {
    const all = fc.sample(asked, { numRuns: rounds * each, seed: 17 });
    let left: UnderWay[] = [];
    for (let round = 0; round < rounds; round++) {
      const nodes = await nodesOf();
      const report = async ({ decision, ends }: UnderWay, n: number) => {
        await nodes[n % nodes.length]!.report(decision, ends.status, ends.answer);
      };
      const before = left;
      left = [];
      let restarted = Promise.resolve();
      const one = async (asked: Asked, n: number) => {
        // Redis goes in the middle of a round, a plugin server between two.
        if (round % 3 === 1 && n === each / 2) restarted = redis.restart();
        const underWay = await ask(nodes[n % nodes.length]!, asked);
        if (!underWay) return;
        // Some end in the next round only.
        if (n % 20 === 0) left.push(underWay);
        else await report(underWay, n);
      };
      const queue = all.slice(round * each, (round + 1) * each).entries();
      const worker = async () => {
        for (const [n, asked] of queue) await one(asked, n);
      };
      await Promise.all([...before.map(report), ...Array.from({ length: 50 }, worker)]);
      await restarted;
      if (round % 2 === 0) await servers[(round / 2) % servers.length]!.restart();
    }
    const nodes = await nodesOf();
    for (const { decision, ends } of left) {
      await nodes[0]!.report(decision, ends.status, ends.answer);
    }

    // A line leaves the server before its outcome is acknowledged; this process may read it later.
    const soon = { timeout: 120_000, interval: 200 };
    await expect.poll(() => linesServed().length, soon).toBe(all.length);
    // What Redis could not take meanwhile is made up for when it is back.
    await expect.poll(sumsOfLedger, soon).toEqual(sumsOfLines());
    await expect.poll(sumsOfBudgets, soon).toEqual(sumsOfLines());
    expect(sumsOfLines().everybody).toBeGreaterThan(0);
    expect(new Set(linesServed().map(({ request_id }) => request_id)).size).toBe(all.length);
  }, 600_000);
});
