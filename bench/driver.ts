// What one question of the driver and one outcome cost the plugin server in CPU time, beside those of
// another build where one is named, and where it goes: a profile of the server, by whose code it ran.

import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startRedis } from "../test/support/redis";
import type { Done, DriverLoad, Order } from "./driver-load";
import { type Profile, sharesOf } from "./profile";
import { type BenchOptions, type Report, threeDigits } from "./report";
import { cpuSeconds, requireBuild, root, type Server, startServer, stop } from "./server-process";

export interface Case {
  policy: "local" | "redis";
  cached?: boolean;
  /** Events of a streamed answer; none: JSON. */
  events?: number;
  hit?: boolean;
  /** So many consumers, with budgets on several levels and a ledger; by default one, with its limits. */
  consumers?: number;
}

const cases: Record<string, Case> = {
  "a miss, counted in memory": { policy: "local" },
  "a miss, counted in Redis": { policy: "redis" },
  "a miss, counted and cached in Redis": { policy: "redis", cached: true },
  "a hit, counted and cached in Redis": { policy: "redis", cached: true, hit: true },
  "a stream of 50 events, counted in Redis": { policy: "redis", events: 50 },
  "a stream of 500 events, counted in Redis": { policy: "redis", events: 500 },
};

/** Microseconds of CPU. */
interface Costs {
  ask: number;
  outcome?: number;
}

export async function benchDriver(options: BenchOptions): Promise<Report> {
  requireBuild();
  const report: Report = { title: "one request of the driver", ratios: [], measured: [] };
  const redis = await startRedis();
  try {
    for (const [name, one] of Object.entries(cases)) {
      if (!name.includes(options.cases ?? "")) continue;
      await measure(name, one, redis.url, options, report);
    }
  } finally {
    await redis.stop();
  }
  return report;
}

async function measure(
  name: string,
  one: Case,
  redis: string,
  { seconds, against, profile }: BenchOptions,
  report: Report,
): Promise<void> {
  const builds = [root, ...(against === undefined ? [] : [resolve(against)])];
  const running: Running[] = [];
  for (const build of builds) running.push(await start(build, one, redis, []));
  try {
    const [ours, theirs] = await inTurn(running, seconds);
    report.measured.push(`${name}: ${told(ours!)}${theirs ? `; before ${told(theirs)}` : ""}`);
    if (theirs) report.ratios.push(`${name}: ${toldRatio(ours!, theirs)} of the CPU before`);
  } finally {
    for (const one of running) await end(one);
  }
  if (profile === undefined) return;
  report.measured.push(`${name}: ${await profiled(name, one, redis, seconds, resolve(profile))}`);
}

function told({ ask, outcome }: Costs): string {
  return `${threeDigits(ask)} us a question${outcome === undefined ? "" : `, ${threeDigits(outcome)} us its outcome`}`;
}

function toldRatio(ours: Costs, theirs: Costs): string {
  const asked = `a question ${threeDigits(ours.ask / theirs.ask)}x`;
  if (ours.outcome === undefined || theirs.outcome === undefined) return asked;
  return `${asked}, its outcome ${threeDigits(ours.outcome / theirs.outcome)}x`;
}

const perRound = 1000;
// V8 is still compiling before that.
const roundsToWarm = 12;

/** Rounds of the builds in turn, so that what else runs on the machine meets both; the best of each. */
async function inTurn(running: Running[], seconds: number): Promise<Costs[]> {
  const rounds: Costs[][] = running.map(() => []);
  for (const one of running) for (let n = 0; n < roundsToWarm; n++) await round(one);
  const until = performance.now() + seconds * 1000 * running.length;
  while (performance.now() < until || rounds[0]!.length < 3) {
    for (const [n, one] of running.entries()) rounds[n]!.push(await round(one));
  }
  return rounds.map((costs) => ({
    ask: best(costs.map(({ ask }) => ask)),
    ...(costs[0]!.outcome !== undefined && {
      outcome: best(costs.map(({ outcome }) => outcome!)),
    }),
  }));
}

async function round({ server, generator }: Running): Promise<Costs> {
  const began = cpuSeconds(server);
  const asked = await tell(generator, { ask: perRound });
  const between = cpuSeconds(server);
  const delivered = await tell(generator, { deliver: true });
  const ended = cpuSeconds(server);
  return {
    ask: ((between - began) / asked) * 1e6,
    ...(delivered > 0 && { outcome: ((ended - between) / delivered) * 1e6 }),
  };
}

function best(values: number[]): number {
  return Math.min(...values);
}

/** A server, and what asks it. */
export interface Running {
  server: Server;
  generator: ChildProcess;
  folder: string;
}

export async function start(
  build: string,
  one: Case,
  redis: string,
  flags: string[],
): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const socket = join(folder, "rpc.sock");
  const outcomesSocket = join(folder, "outcomes.sock");
  const server = await startServer("ours", socket, [
    ...["--max-semi-space-size=4", ...flags, join(build, "dist/cli/main.js"), "serve"],
    ...["--socket", socket, "--outcomes-socket", outcomesSocket, "--health-address", "off"],
  ]);
  const generator = fork(join(__dirname, "driver-load.ts"), { execArgv: ["--import", "tsx"] });
  const { version } = JSON.parse(readFileSync(join(build, "package.json"), "utf8"));
  const load: DriverLoad = {
    ...{ socket, outcomesSocket, version, connections: 16, together: 8 },
    config: configFor(one, redis, folder),
    consumers: one.consumers,
    body: bodyFor(one),
    distinct: !one.hit,
    ...(!one.hit && { answer: answerFor(one) }),
  };
  await tell(generator, { load: one.hit ? { ...load, answer: answerFor(one) } : load });
  if (one.hit) await fill(generator, load);
  return { server, generator, folder };
}

/** Asks once and tells the outcome, so that all that follow are hits. */
async function fill(generator: ChildProcess, load: DriverLoad): Promise<void> {
  await tell(generator, { ask: 1 });
  await tell(generator, { deliver: true });
  await tell(generator, { load });
}

export async function end({ server, generator, folder }: Running): Promise<void> {
  generator.kill();
  await stop(server, "SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}

export function tell(generator: ChildProcess, order: Order): Promise<number> {
  return new Promise((done, failed) => {
    generator.once("message", (message: Done) => {
      if ("error" in message) failed(new Error(message.error));
      else done(message.done);
    });
    generator.send(order);
  });
}

/** A second run, whose profile stays in a folder: the profiler costs time itself. */
async function profiled(
  name: string,
  one: Case,
  redis: string,
  seconds: number,
  folder: string,
): Promise<string> {
  const jsonFrames = ["--require", join(__dirname, "json-frames.js")];
  const file = `${name.replace(/\W+/g, "-")}.cpuprofile`;
  const flags = ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${file}`];
  const running = await start(root, one, redis, [...flags, ...jsonFrames]);
  await inTurn([running], seconds);
  await end(running);
  return sharesOf(JSON.parse(readFileSync(join(folder, file), "utf8")) as Profile);
}

function configFor(one: Case, url: string, prefix: string): string {
  const { policy, cached = false, consumers } = one;
  const redis = { url, prefix, connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const levels = (["everybody", "team", "end_user"] as const).map((by) => {
    return { by, cost_usd: { day: 1_000_000 } };
  });
  return JSON.stringify({
    models: { aliases: [{ name: "gpt-4", target: "gpt-4.1" }] },
    rate_limit: {
      requests: { minute: 1_000_000_000 },
      tokens: { minute: 1_000_000_000_000 },
      ...{ cost_usd: { month: 1_000_000 }, policy, redis },
      ...(consumers !== undefined && { levels, concurrency: 1_000_000 }),
    },
    // What many ask is not to fill Redis.
    cache: { enabled: cached, policy, redis, ...(consumers !== undefined && { ttl_seconds: 10 }) },
    upstream_key: { keys: [{ value: "bench" }] },
    usage: { log: true, ...(consumers !== undefined && { ledger: { policy, redis } }) },
  });
}

function bodyFor({ events }: Case): string {
  const content = `${"Say how a gateway is measured. ".repeat(28)}Request 00000000.`;
  return JSON.stringify({
    ...{ model: "gpt-4", messages: [{ role: "user", content }], temperature: 0.2, max_tokens: 128 },
    ...(events !== undefined && { stream: true }),
  });
}

const usage = { prompt_tokens: 200, completion_tokens: 120, total_tokens: 320 };

function answerFor({ events }: Case): NonNullable<DriverLoad["answer"]> {
  const about = { id: "chatcmpl-1", created: 1_700_000_000, model: "gpt-4.1" };
  if (events === undefined) {
    const message = {
      role: "assistant",
      content: "A gateway is measured beside others. ".repeat(15),
    };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    const body = JSON.stringify({ ...about, object: "chat.completion", choices, usage });
    return { contentType: "application/json", body, bytes: body.length, truncated: false };
  }
  const chunk = (more: object) =>
    `data: ${JSON.stringify({ ...about, object: "chat.completion.chunk", ...more })}\n\n`;
  const word = chunk({
    choices: [{ index: 0, delta: { content: " measured" }, finish_reason: null }],
  });
  const body = `${word.repeat(events - 1)}${chunk({ choices: [], usage })}data: [DONE]\n\n`;
  // What lua/tap.lua keeps of an answer that nobody wants to store.
  const kept = body.slice(-64 * 1024);
  const truncated = kept.length < body.length;
  return { contentType: "text/event-stream", body: kept, bytes: body.length, truncated };
}
