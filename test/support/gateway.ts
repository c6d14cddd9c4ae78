// The gateway that end-to-end tests talk to: model server, plugin server and Kong, started for one
// test file and gone after it. GATEWAY=kong takes the real Kong on PATH in place of the stand-in.

import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { installedLua, pluginDumps, startPluginServer } from "../../dev/plugin-server";
import { log } from "../../stages/log";
import { startStandIn } from "../../stand-in/kong/gateway";
import type { PluginDump } from "../../stand-in/kong/plugin-configs";
import { type ModelServer, startModelServer } from "../../stand-in/model-server";
import { type CountingProxy, startCountingProxy } from "./counting-proxy";
import { KongConfig } from "./kong-config";
import { type Kong, startKong } from "./kong-process";
import { Learned, type MeasuredPluginServer, measured } from "./measured-server";

const withoutLuaFiles = "examples/without-lua-files/kong.yaml";

/** Every configuration that people use: the suite is the same for each. For describe.each. */
export const configurations = [
  ["llm-gateway", "kong.yaml"],
  ["the single plugins", "examples/single-plugins/kong.yaml"],
  ["llm-gateway without Lua files", withoutLuaFiles],
] as const;

export interface GatewayOptions {
  /** Default: kong.yaml. */
  config?: string;
  /** False: Kong has none of our Lua files. Default: it has, but for the configuration without. */
  luaFiles?: boolean;
  /** Changes the configuration before Kong loads it. */
  edit?: (config: KongConfig) => void;
  /** A Redis for limits and cache; without it they live in the plugin server's memory. */
  redis?: string;
  /** More variables for Kong's environment, where vault references look. */
  environment?: Record<string, string>;
  /** The words of Kong's proxy_next_upstream. Default: its own. */
  nextUpstream?: string;
  /** A file of the authorities that Kong trusts upstream. */
  trusted?: string;
  /** More variables for the plugin server's. */
  serverEnvironment?: Record<string, string>;
  /** A directory of other plugins. */
  plugins?: string;
  /** Gets what the plugin server prints, its log and its usage lines. */
  printed?: (text: string) => void;
}

/** What a Kong is started with that differs from what the others have. */
export interface KongChanges {
  /** A directory of Lua files in place of ours. */
  lua?: string;
  /** False: kong.conf names no plugin server. */
  namesSocket?: boolean;
}

export interface Gateway {
  /** Another one after `reconfigure`. */
  url: string;
  /** The key of consumer demo-app, and that of a second one; both work as Bearer too. */
  key: string;
  otherKey: string;
  /** What the upstream must be shown. */
  upstreamKey: string;
  upstream: ModelServer;
  pluginServer: MeasuredPluginServer;
  /** What a real Kong has logged so far; the stand-in logs through stages/log.ts. */
  kongLog(): string;
  /** How many messages Kong has sent to the plugin server so far. */
  messages(): number;
  /** Sends requests until every worker of Kong has started its instances. */
  warmUp(ask: () => Promise<Response>): Promise<void>;
  /** Waits until all that went upstream is learned: outcomes come after their answers. */
  untilLearned(): Promise<void>;
  /** Waits so, then asks until the cache answers. */
  untilHit(ask: () => Promise<Response>): Promise<Response>;
  /** Starts Kong anew, with these changes in place of those of before; all else runs on. */
  reconfigure(edit: (config: KongConfig) => void, changes?: KongChanges): Promise<void>;
  stop(): Promise<void>;
}

// Tests provoke failures on purpose; what is logged about them is noise.
log.level = process.env.KONG_LLM_LOG_LEVEL ?? "silent";

export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    return await start(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  options: GatewayOptions,
  stops: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Gateway> {
  const upstream = await startModelServer();
  stops.push(upstream.close);
  const drives =
    options.luaFiles ?? (options.plugins === undefined && options.config !== withoutLuaFiles);
  const [server, dumps, lua] = await Promise.all([
    startPluginServer({
      plugins: options.plugins,
      output: options.printed,
      environment: options.serverEnvironment,
    }),
    dumpsOf(options.plugins),
    drives ? ourLua() : undefined,
  ]);
  stops.push(server.stop);
  const socket = join(dirname(server.socket), "counted.sock");
  const counter = await startCountingProxy(socket, server.socket);
  stops.push(counter.stop);

  const [key, otherKey, upstreamKey] = [secret(), secret(), secret()];
  const configuredBy = (edit: GatewayOptions["edit"]) => {
    const config = new KongConfig(options.config ?? "kong.yaml", { DECK_DEMO_API_KEY: key });
    config.addConsumer("other-app", otherKey);
    config.sendTo(upstream.port);
    if (options.redis !== undefined) config.waitForRedis();
    edit?.(config);
    return config.text();
  };
  const startKongWith = (config: string, changes: KongChanges = {}) =>
    startEither({
      config,
      dumps,
      socket,
      lua,
      nextUpstream: options.nextUpstream,
      trusted: options.trusted,
      environment: {
        HOLYSHEEP_API_KEY: upstreamKey,
        ...(options.redis !== undefined && { REDIS_URL: options.redis }),
        ...options.environment,
      },
      ...changes,
    });
  let kong = await startKongWith(configuredBy(options.edit));
  stops.push(() => kong.stop());

  const learned = new Learned(upstream);
  const pluginServer = measured(server, learned);
  return {
    ...{ key, otherKey, upstreamKey, upstream, pluginServer },
    get url() {
      return kong.url;
    },
    kongLog: () => kong.log(),
    messages: counter.messages,
    warmUp: (ask) => warmUp(ask, counter, kong.workers),
    untilLearned: () => untilLearned(learned, pluginServer),
    untilHit: (ask) => untilHit(ask, learned, pluginServer),
    async reconfigure(edit, changes) {
      await kong.stop();
      kong = await startKongWith(configuredBy(edit), changes);
    },
    stop,
  };
}

async function startEither(options: Parameters<typeof startKong>[0]): Promise<Kong> {
  if (process.env.GATEWAY === "kong") return startKong(options);
  const clientBodyBufferBytes = 1024 * 1024;
  return {
    ...(await startStandIn({
      ...options,
      luaPackagePath: options.lua,
      proxyNextUpstream: options.nextUpstream?.split(" "),
      trustedCertificate: options.trusted,
      port: 0,
      clientBodyBufferBytes,
    })),
    workers: 1,
    log: () => "",
  };
}

let ourDumps: Promise<PluginDump[]> | undefined;

function dumpsOf(plugins: string | undefined): Promise<PluginDump[]> {
  if (plugins !== undefined) return pluginDumps(plugins);
  ourDumps ??= pluginDumps();
  return ourDumps;
}

let writtenLua: Promise<string> | undefined;

function ourLua(): Promise<string> {
  writtenLua ??= installedLua();
  return writtenLua;
}

function secret(): string {
  return `test-${randomBytes(12).toString("hex")}`;
}

// Connections decide which worker answers: many at once reach them all. One may tell its config twice.
async function warmUp(
  ask: () => Promise<Response>,
  counter: CountingProxy,
  workers: number,
): Promise<void> {
  let quiet = 0;
  for (let round = 0; round < 20; round++) {
    const before = counter.configs();
    const answers = await Promise.all(Array.from({ length: 8 * workers }, ask));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    const started = counter.configs();
    quiet = started === before && started >= workers ? quiet + 1 : 0;
    if (quiet === 2) return;
  }
  throw new Error(`requests do not reach all ${workers} workers of Kong`);
}

async function untilLearned(learned: Learned, { metric }: MeasuredPluginServer): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await metric("llm_requests_total", { source: "service" })) < learned.expected) {
    if (Date.now() > deadline) throw new Error("the plugin server does not learn all");
    await pause(10);
  }
}

async function untilHit(
  ask: () => Promise<Response>,
  learned: Learned,
  pluginServer: MeasuredPluginServer,
): Promise<Response> {
  await untilLearned(learned, pluginServer);
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (answer.headers.get("x-cache-status") === "Hit") return answer;
    // To its end: what its client leaves is not stored.
    await answer.arrayBuffer();
    if (Date.now() > deadline) throw new Error("the cache does not answer");
  }
}
