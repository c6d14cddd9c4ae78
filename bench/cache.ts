// A cached answer against one of the model: first as a client sees it, through the stand-in for Kong
// and with a model that takes 300 ms; then what each costs the plugin server, by the size of an answer.

import { RequestBody } from "../openai/request-body";
import { cacheOptions } from "../plugins/llm-cache/schema";
import { stage } from "../plugins/llm-cache/stage";
import { closeConnections } from "../redis/connection";
import type { Exchange } from "../stages/exchange";
import { delivery } from "../stages/outcome";
import { type PreparedStage, prepareStage } from "../stages/stage";
import { type Gateway, startGateway } from "../test/support/gateway";
import { startRedis } from "../test/support/redis";
import { type BenchOptions, type Report, threeDigits } from "./report";

const modelMs = 300;
const connections = 16;
const policies = ["local", "redis"] as const;
const sizes = { "1 KB": 1024, "100 KB": 100 * 1024, "1 MB": 1000 * 1024 };

export async function benchCache({ seconds }: BenchOptions): Promise<Report> {
  const report: Report = { title: "cached answers", ratios: [], measured: [] };
  const redis = await startRedis();
  try {
    for (const policy of policies) {
      await compareForClients(policy, policy === "redis" ? redis.url : undefined, seconds, report);
    }
    for (const policy of policies) {
      for (const [size, bytes] of Object.entries(sizes)) {
        await compareCosts(policy, redis.url, size, bytes, seconds / 2, report);
      }
    }
  } finally {
    closeConnections();
    await redis.stop();
  }
  return report;
}

async function compareForClients(
  policy: string,
  redis: string | undefined,
  seconds: number,
  report: Report,
): Promise<void> {
  const gateway = await startGateway({ redis, edit: (kong) => kong.limit({}) });
  try {
    gateway.upstream.behave({ delayMs: modelMs });
    await gateway.untilHit(() => ask(gateway, "the same"));
    const hit = await asClientsSee(seconds, () => ask(gateway, "the same"), "Hit");
    let serial = 0;
    const miss = await asClientsSee(seconds, () => ask(gateway, `number ${++serial}`), "Miss");
    report.ratios.push(
      `${policy}: a hit takes ${threeDigits(hit.ms / miss.ms)} of the time of a miss, of which the model takes ${modelMs} ms`,
      `${policy}: ${threeDigits(hit.rate / miss.rate)} times as many hits as misses per second at ${connections} connections`,
    );
    for (const [name, { ms, rate }] of Object.entries({ hit, miss })) {
      report.measured.push(
        `${policy}, ${name}: ${threeDigits(ms)} ms (median), ${threeDigits(rate)} requests/s at ${connections} connections, through the stand-in`,
      );
    }
  } finally {
    await gateway.stop();
  }
}

async function asClientsSee(
  seconds: number,
  request: () => Promise<Response>,
  expected: "Hit" | "Miss",
): Promise<{ ms: number; rate: number }> {
  const one = async () => {
    const answer = await request();
    await answer.arrayBuffer();
    const status = answer.headers.get("x-cache-status");
    if (status !== expected) throw new Error(`a ${expected} was a ${status} (${answer.status})`);
  };
  const times = await repeat(seconds, 1, one);
  const together = await repeat(seconds, connections, one);
  return { ms: median(times), rate: together.length / seconds };
}

function ask(gateway: Gateway, content: string): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content }] }),
  });
}

/** The stage alone: its key, its store, its answer; a miss is also learned and stored. */
async function compareCosts(
  policy: string,
  url: string,
  size: string,
  bytes: number,
  seconds: number,
  report: Report,
): Promise<void> {
  // Without it nobody would lead; it is never opened here.
  delivery.socket = "bench";
  const redis = { url, prefix: `bench ${size}`, command_timeout_ms: 5000 };
  const cache = prepareStage(stage, cacheOptions.parse({ policy, redis }));
  const body = Buffer.from(JSON.stringify({ text: "x".repeat(bytes - 11) }));
  await miss(cache, `the same ${size}`, body);
  const times = await repeat(seconds, 1, async () => {
    const decided = await cache.decide(exchangeOf(`the same ${size}`));
    if (!decided || !("answer" in decided)) throw new Error("a hit was none");
  });
  let serial = 0;
  const missed = await repeat(seconds, 1, () => miss(cache, `${size} ${++serial}`, body));
  report.measured.push(
    `${policy}, ${size}: a hit costs the plugin server ${threeDigits(median(times) * 1000)} us, ` +
      `a miss ${threeDigits(median(missed) * 1000)} us with its storing`,
  );
}

async function miss(cache: PreparedStage, content: string, body: Buffer): Promise<void> {
  const { ticket, ...exchange } = exchangeOf(content);
  const decided = await cache.decide({ ticket, ...exchange });
  const now = Date.now();
  const outcome = {
    ...{ ticket, status: 200, source: "service" as const, content_type: "application/json" },
    ...{ body, complete: true, truncated: false },
    ...{ started_at: now, first_byte_at: now, ended_at: now },
  };
  await cache.learn(outcome, decided && "note" in decided ? decided.note : undefined);
}

let requests = 0;

function exchangeOf(content: string): Exchange {
  const text = JSON.stringify({ model: "gpt-4.1", messages: [{ role: "user", content }] });
  const body = RequestBody.parse(text);
  if ("problem" in body) throw new Error(body.problem);
  const asked = { id: `${++requests}`, method: "POST" };
  return {
    request: { ...asked, path: "/v1/chat/completions", client_ip: "127.0.0.1" },
    consumer: { id: "bench" },
    body,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: { ...asked, endpoint: "chat/completions", stream: false, started_at: 0, stages: {} },
    keep: 0,
  };
}

/** The milliseconds that each run took. */
async function repeat(
  seconds: number,
  atOnce: number,
  run: () => Promise<void>,
): Promise<number[]> {
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  const one = async () => {
    while (performance.now() < until) {
      const started = performance.now();
      await run();
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return times;
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}
