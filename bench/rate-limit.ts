// What one decision of the limiter costs the plugin server: in memory and in a Redis on the same
// machine, for limits of requests alone and for budgets that reserve and settle; and how often it
// goes to Redis.

import { Redis } from "ioredis";
import { RequestBody } from "../openai/request-body";
import { rateLimitOptions } from "../plugins/llm-rate-limit/schema";
import { stage } from "../plugins/llm-rate-limit/stage";
import { closeConnections } from "../redis/connection";
import type { Exchange } from "../stages/exchange";
import type { Outcome } from "../stages/outcome";
import { type PreparedStage, prepareStage } from "../stages/stage";
import { startRedis } from "../test/support/redis";
import { type BenchOptions, type Report, threeDigits } from "./report";

const together = 32;
const most = 1_000_000_000;
const configs = {
  "requests in 2 windows": { requests: { minute: most, month: most } },
  "requests, tokens and dollars, settled": {
    ...{ requests: { minute: most }, tokens: { minute: most, month: most } },
    ...{ cost_usd: { month: 1_000_000 }, concurrency: 1_000_000 },
  },
};
type Config = keyof typeof configs;

const text = JSON.stringify({
  model: "gpt-4.1",
  messages: [{ role: "user", content: "x".repeat(2000) }],
  max_tokens: 500,
});
const answer = Buffer.from('{"usage":{"prompt_tokens":500,"completion_tokens":100}}');
let requests = 0;

export async function benchRateLimit({ seconds }: BenchOptions): Promise<Report> {
  const report: Report = { title: "rate limits", ratios: [], measured: [] };
  const redis = await startRedis();
  const admin = new Redis(redis.url);
  try {
    for (const config of Object.keys(configs) as Config[]) {
      const local = await measure(config, { policy: "local" }, seconds / 2);
      const before = await commandsOf(admin);
      const shared = await measure(
        config,
        { policy: "redis", redis: { url: redis.url } },
        seconds / 2,
      );
      const commands = (await commandsOf(admin)) - before;
      report.ratios.push(
        `${config}: ${threeDigits(commands / shared.decisions)} round trips to Redis for a request`,
        `${config}: policy redis decides ${threeDigits(shared.perSecond / local.perSecond)} times as many requests per second as policy local`,
      );
      for (const [policy, { perSecond, micros }] of Object.entries({ local, redis: shared })) {
        report.measured.push(
          `${config}, ${policy}: ${threeDigits(perSecond)} decisions/s, ${threeDigits(micros)} µs each of this process (${together} at a time)`,
        );
      }
    }
  } finally {
    closeConnections();
    admin.disconnect();
    await redis.stop();
  }
  return report;
}

interface Measured {
  decisions: number;
  perSecond: number;
  /** Of this process' time, Redis' own not counted. */
  micros: number;
}

async function measure(config: Config, place: object, seconds: number): Promise<Measured> {
  const patient = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const options = {
    ...place,
    ...("redis" in place && { redis: { ...(place.redis as object), ...patient } }),
  };
  const prepared = prepareStage(stage, rateLimitOptions.parse({ ...configs[config], ...options }));
  await decide(prepared);
  const cpu = process.cpuUsage();
  const began = performance.now();
  let decisions = 0;
  const loop = async () => {
    while (performance.now() - began < seconds * 1000) {
      await decide(prepared);
      decisions++;
    }
  };
  await Promise.all(Array.from({ length: together }, loop));
  const took = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { decisions, perSecond: decisions / took, micros: (user + system) / decisions };
}

async function decide(prepared: PreparedStage): Promise<void> {
  const id = `bench-${++requests}`;
  const exchange = exchangeOf(id);
  const decided = await prepared.decide(exchange);
  if (decided && "answer" in decided)
    throw new Error(`a request was refused: ${decided.answer.body}`);
  if (decided?.note === undefined) return;
  const outcome: Outcome = {
    ...{ ticket: exchange.ticket, status: 200, source: "service", body: answer },
    ...{ content_type: "application/json", bytes: answer.length, complete: true, truncated: false },
    ...{ started_at: 0, first_byte_at: 0, ended_at: 0 },
  };
  await prepared.learn(outcome, decided.note);
}

function exchangeOf(id: string): Exchange {
  const body = RequestBody.parse(text);
  if ("problem" in body) throw new Error(body.problem);
  const endpoint = "chat/completions";
  return {
    request: { id, method: "POST", path: `/v1/${endpoint}`, client_ip: "192.0.2.1" },
    consumer: { id: "1", username: `consumer-${requests % 100}` },
    ticket: { id, started_at: 0, method: "POST", endpoint, stream: false, stages: {} },
    ...{ body, upstreamHeaders: {}, responseHeaders: {}, keep: 0 },
  };
}

/** Scripts that Redis was asked to run so far. */
async function commandsOf(admin: Redis): Promise<number> {
  const stats = await admin.info("commandstats");
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)];
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}
