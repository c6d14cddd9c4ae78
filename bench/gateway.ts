// What one request through llm-gateway costs the plugin server in CPU time, and where that goes: a
// profile of the server, its samples counted by whose code they fell into.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "../test/support/redis";
import { type Profile, sharesOf } from "./profile";
import { type BenchOptions, type Report, threeDigits } from "./report";
import { measure, requireBuild, root, startServer, stop } from "./server-process";

const consumer = { id: "4c717586-26c4-5db0-b247-695088cdc251", username: "team-a", tags: ["gold"] };
const bodyBytes = 1024;
const request = {
  id: "b1b18c4157ccae2797be9961e0829f75",
  method: "POST",
  path: "/v1/chat/completions",
  content_type: "application/json",
  client_ip: "127.0.0.1",
  route: "chat-completion-route",
  service: "llm-upstream",
};

export async function benchGateway({ seconds }: BenchOptions): Promise<Report> {
  requireBuild();
  const report: Report = { title: "one request through llm-gateway", ratios: [], measured: [] };
  const redis = await startRedis();
  try {
    const local = await costOf(configFor("local", ""), seconds);
    const shared = await costOf(configFor("redis", redis.url), seconds);
    report.ratios.push(
      `a request costs the plugin server ${threeDigits(shared.micros / local.micros)}x the CPU with limits and cache in Redis as with both in memory`,
      ...[`in memory: ${sharesOf(local.profile)}`, `in Redis: ${sharesOf(shared.profile)}`],
    );
    for (const [where, { micros, rate }] of Object.entries({ memory: local, Redis: shared })) {
      report.measured.push(
        `${where}: ${threeDigits(micros)} us CPU a request of ${bodyBytes / 1024} KB (${threeDigits(rate)} requests/s at 16 connections), without its outcome`,
      );
    }
  } finally {
    await redis.stop();
  }
  return report;
}

// Every request is the same, so nobody may wait for another's answer; none is ever stored.
function configFor(policy: "local" | "redis", url: string): string {
  // On a busy machine it would else be left alone, and what is measured is memory.
  const redis = { url, connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  return JSON.stringify({
    models: { aliases: [{ name: "gpt-4", target: "gpt-4.1" }] },
    rate_limit: { requests: { minute: 1_000_000_000 }, policy, redis },
    cache: { policy, redis, single_flight: false },
    upstream_key: { keys: [{ value: "bench" }] },
  });
}

interface Cost {
  micros: number;
  rate: number;
  profile: Profile;
}

/** Twice: the profiler costs time itself, so what is measured is measured without it. */
async function costOf(config: string, seconds: number): Promise<Cost> {
  const plain = await run(config, seconds, []);
  const folder = mkdtempSync(join(tmpdir(), "bench-profile-"));
  try {
    const jsonFrames = ["--require", join(__dirname, "json-frames.js")];
    await run(config, seconds, ["--cpu-prof", `--cpu-prof-dir=${folder}`, ...jsonFrames]);
    const [file] = readdirSync(folder);
    const profile = JSON.parse(readFileSync(join(folder, file!), "utf8")) as Profile;
    return { ...plain, profile };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run(config: string, seconds: number, flags: string[]) {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const socket = join(folder, "rpc.sock");
  const server = await startServer("ours", socket, [
    ...["--max-semi-space-size=4", ...flags, join(root, "dist/cli/main.js"), "serve"],
    ...["--socket", socket, "--outcomes-socket", join(folder, "outcomes.sock")],
    ...["--health-address", "off"],
  ]);
  const body = JSON.stringify({
    model: "gpt-4",
    messages: [{ role: "user", content: "x".repeat(bodyBytes) }],
  });
  const gathered = { ...request, body, bytes: Buffer.byteLength(body) };
  const load = {
    plugin: "llm-gateway",
    config,
    connections: 16,
    results: [gathered, consumer, null],
  };
  try {
    await measure(server, load, 1);
    const { serverCpu, events, seconds: took } = await measure(server, load, seconds);
    return { micros: (serverCpu / events) * 1e6, rate: events / took };
  } finally {
    await stop(server, "SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}
