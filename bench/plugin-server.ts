// Our plugin server against kong-js-pluginserver 0.6.0: the same plugins, the same load, one run.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Load } from "./load";
import { type BenchOptions, type Report, threeDigits } from "./report";
import {
  generate,
  keptBy,
  type Measured,
  measure,
  requireBuild,
  root,
  type Server,
  startServer,
  stop,
} from "./server-process";

const plugins = join(__dirname, "plugins");

export async function benchPluginServer({ seconds, exits }: BenchOptions): Promise<Report> {
  requireBuild();
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const report: Report = {
    title: "plugin server against kong-js-pluginserver 0.6.0",
    ratios: [],
    measured: [],
  };
  try {
    for (const shape of shapes) await compareMessages(folder, shape, seconds, report);
    for (const bytes of [1024, 100 * 1024, 1024 * 1024]) {
      await compareBodies(folder, bytes, seconds, report);
    }
    await compareMemory(folder, exits, report);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return report;
}

const consumer = { id: "4c717586-26c4-5db0-b247-695088cdc251", username: "team-a", tags: ["gold"] };
const gathered = {
  id: "b1b18c4157ccae2797be9961e0829f75",
  method: "POST",
  path: "/v1/chat/completions",
  body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content: "x".repeat(1024) }] }),
  content_type: "application/json",
  client_ip: "127.0.0.1",
  route: "chat-completion-route",
};

interface Shape {
  name: string;
  plugin: string;
  results: Load["results"];
}

const shapes: Shape[] = [
  {
    name: "small messages",
    plugin: "calls",
    results: ["POST", gathered.path, "application/json", null, consumer, null, null, null],
  },
  { name: "messages of llm-gateway", plugin: "gateway", results: [gathered, consumer, null] },
];

async function compareMessages(
  folder: string,
  { name: shape, plugin, results }: Shape,
  seconds: number,
  report: Report,
): Promise<void> {
  const [theirs, ours] = await onBoth(folder, { plugin, connections: 16, results }, seconds);
  const rate = ({ messages, seconds }: Measured) => messages / seconds;
  const cpu = ({ messages, serverCpu }: Measured) => (serverCpu / messages) * 1e6;
  report.ratios.push(
    `${ratio(rate(ours), rate(theirs))} ${shape}/s at 16 connections, ` +
      `${ratio(cpu(theirs), cpu(ours))} as many for the same CPU`,
  );
  for (const [name, measured] of named(theirs, ours)) {
    report.measured.push(
      `${name}: ${threeDigits(rate(measured))} ${shape}/s at 16 connections, ` +
        `${threeDigits(cpu(measured))} us CPU each; cores busy: server ` +
        `${threeDigits(measured.serverCpu / measured.seconds)}, generator ${threeDigits(measured.busy)}`,
    );
  }
}

async function compareBodies(
  folder: string,
  bytes: number,
  seconds: number,
  report: Report,
): Promise<void> {
  const load = { plugin: "body", connections: 1, results: [{ raw_body_bytes: bytes }, null] };
  const [theirs, ours] = await onBoth(folder, load, seconds);
  const time = ({ events, seconds }: Measured) => (seconds / events) * 1000;
  const cpu = ({ events, serverCpu }: Measured) => (serverCpu / events) * 1000;
  const size = `${bytes / 1024} KB body read and written back`;
  report.ratios.push(`${ratio(time(theirs), time(ours))} faster for a ${size}`);
  for (const [name, measured] of named(theirs, ours)) {
    report.measured.push(
      `${name}: ${threeDigits(time(measured))} ms for a ${size}, ` +
        `${threeDigits(cpu(measured))} ms CPU of the server`,
    );
  }
}

// kong-js-pluginserver keeps every event that ended by an exit: it gets a tenth, and the machine
// keeps its memory.
async function compareMemory(folder: string, exits: number, report: Report): Promise<void> {
  const tenth = Math.round(exits / 10);
  const theirs = await memoryAfter(startKongPdk, folder, [tenth / 10, tenth]);
  const ours = await memoryAfter(startOurs, folder, [tenth, exits]);
  const [ourTenth, ourAll] = ours as [number, number];
  report.ratios.push(
    `${threeDigits(ourAll - ourTenth)} MB more resident memory (garbage collected) after ` +
      `${count(exits)} kong.response.exit than after ${count(tenth)}`,
  );
  report.measured.push(
    `ours: ${threeDigits(ourTenth)} MB after ${count(tenth)} exits, ` +
      `${threeDigits(ourAll)} MB after ${count(exits)}`,
    `kong-js-pluginserver: ${threeDigits(theirs[0]!)} MB after ${count(tenth / 10)} exits, ` +
      `${threeDigits(theirs[1]!)} MB after ${count(tenth)}`,
  );
}

async function memoryAfter(
  start: (folder: string) => Promise<Server>,
  folder: string,
  marks: number[],
): Promise<number[]> {
  const server = await start(folder);
  const found: number[] = [];
  let done = 0;
  for (const mark of marks) {
    const events = mark - done;
    await generate({ socket: server.socket, plugin: "exit", connections: 16, results: [], events });
    done = mark;
    found.push(await keptMegabytes(server));
  }
  await stop(server);
  return found;
}

const rounds = 3;

/** Theirs, then ours: each one's best round of three in turn, for other programs run here too. */
async function onBoth(
  folder: string,
  load: Omit<Load, "socket">,
  seconds: number,
): Promise<[Measured, Measured]> {
  const servers = [await startKongPdk(folder), await startOurs(folder)];
  const found: Measured[][] = servers.map(() => []);
  for (const server of servers) await measure(server, load, 1);
  for (let round = 0; round < rounds; round++) {
    for (const [index, server] of servers.entries()) {
      found[index]!.push(await measure(server, load, seconds));
    }
  }
  for (const server of servers) await stop(server);
  const [theirs, ours] = found.map((measured) => measured.reduce(faster));
  return [theirs!, ours!];
}

function faster(one: Measured, other: Measured): Measured {
  return one.events / one.seconds > other.events / other.seconds ? one : other;
}

async function startOurs(folder: string): Promise<Server> {
  const socket = join(folder, "ours.sock");
  return startServer("ours", socket, [
    // As the image runs it.
    "--max-semi-space-size=4",
    ...[join(root, "dist/cli/main.js"), "serve", "--plugins", plugins, "--socket", socket],
    ...["--outcomes-socket", join(folder, "outcomes.sock"), "--health-address", "off"],
  ]);
}

async function startKongPdk(folder: string): Promise<Server> {
  return startServer("kong-js-pluginserver", join(folder, "kong-pdk.sock"), [
    join(root, "node_modules/kong-pdk/bin/kong-js-pluginserver"),
    ...["-d", plugins, "-p", folder, "--sock-name", "kong-pdk.sock"],
  ]);
}

async function keptMegabytes(server: Server): Promise<number> {
  return (await keptBy(server)).rss / 1024 / 1024;
}

function named(theirs: Measured, ours: Measured): [string, Measured][] {
  return [
    ["ours", ours],
    ["kong-js-pluginserver", theirs],
  ];
}

function ratio(one: number, other: number): string {
  return `${threeDigits(one / other)}x`;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
