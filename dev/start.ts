// The demo (`npm start`, `kong-llm demo`): the whole gateway on this machine without Docker, for
// development: the plugin server, the stand-in for Kong, and a stand-in for the model server unless
// HOLYSHEEP_API_KEY is set.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { variablesOf } from "../kong/deck-words";
import { parseDeclarative, renderDeclarative } from "../kong/declarative";
import { log } from "../stages/log";
import { type StandIn, startStandIn } from "../stand-in/kong/gateway";
import { type ModelServer, startModelServer } from "../stand-in/model-server";
import { installedLua, type PluginServer, pluginDumps, startPluginServer } from "./plugin-server";

const madeUpKey = "development-key-for-the-stand-in";

/** What was started, in the order of starting. */
interface Started {
  model?: ModelServer;
  plugins?: PluginServer;
  kong?: StandIn;
}

/** The command, by itself (`node --import tsx dev/start.ts`) or as one of kong-llm's. */
export function demoCommand(): Command {
  return new Command("demo")
    .description(
      "run the whole gateway here with stand-ins for Kong and the model: for trying, not for use",
    )
    .argument("[file]", "a kong.yaml of your own")
    .addOption(
      new Option("--port <port>", "port of 127.0.0.1 where it listens")
        .env("PORT")
        .argParser(portOf)
        .default(8000),
    )
    .action((file: string | undefined, { port }: { port: number }) => run(port, file));
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) {
    throw new InvalidArgumentError(`"${text}" is no port: give a number up to 65535`);
  }
  return port;
}

async function run(port: number, file = ourConfiguration()): Promise<void> {
  log.level = process.env.KONG_LLM_LOG_LEVEL ?? "warn";
  const started: Started = {};
  stopOnSignals(started);
  try {
    await start(file, port, started);
  } catch (error) {
    await stop(started);
    process.stderr.write(`kong-llm: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

/** Beside us in the sources, beside dist in the package. */
function ourConfiguration(): string {
  const places = [join(__dirname, "../kong.yaml"), join(__dirname, "../../kong.yaml")];
  return places.find((place) => existsSync(place)) ?? places[0]!;
}

async function start(file: string, port: number, started: Started): Promise<void> {
  const text = readFileSync(file, "utf8");
  const keys = consumerKeys(text);
  await requireFree(port);
  const upstreamKey = process.env.HOLYSHEEP_API_KEY;
  if (!upstreamKey) started.model = await startModelServer();
  const config = renderDeclarative(text, keys, started.model && new URL(started.model.url));
  parseDeclarative(config);
  const [plugins, dumps, lua] = await Promise.all([
    startPluginServer({ output: "inherit" }).then((server) => {
      started.plugins = server;
      return server;
    }),
    pluginDumps(),
    installedLua(),
  ]);
  started.kong = await startStandIn({
    config,
    dumps,
    socket: plugins.socket,
    luaPackagePath: lua,
    environment: { ...process.env, HOLYSHEEP_API_KEY: upstreamKey ?? madeUpKey },
    port,
    clientBodyBufferBytes: 1024 * 1024,
  });
  process.stdout.write(greeting(started.kong.url, plugins.healthUrl, keys, started.model));
}

/** Says so at once, and not after everything else has started. */
async function requireFree(port: number): Promise<void> {
  const probe = createServer().listen(port, "127.0.0.1");
  const taken = await once(probe, "listening").then(
    () => false,
    () => true,
  );
  if (taken) {
    throw new Error(
      `port ${port} of 127.0.0.1 is taken: free it, or choose another with PORT or --port`,
    );
  }
  probe.close();
  await once(probe, "close");
}

/** The consumers' keys: from the environment, or made up for development. */
function consumerKeys(text: string): Record<string, string> {
  return Object.fromEntries(
    variablesOf(text).map((name) => {
      const made = name.replace(/^DECK_/, "").replace(/_API_KEY$/, "_KEY");
      return [name, process.env[name] ?? made.toLowerCase().replaceAll("_", "-")];
    }),
  );
}

function greeting(
  url: string,
  health: string,
  keys: Record<string, string>,
  model: ModelServer | undefined,
): string {
  const [[name, key] = ["", "demo-key"]] = Object.entries(keys);
  const chat = '{"model":"gpt-4","messages":[{"role":"user","content":"Hello"}]}';
  const stream = chat.replace("}]}", '}],"stream":true}');
  const curl = `curl ${url}/v1/chat/completions -H "x-api-key: ${key}"`;
  const json = '-H "content-type: application/json"';
  return `
kong-llm is listening on ${url} (a stand-in for Kong, for development only)

  API key    ${key}${process.env[name] === undefined ? `  (made up; set ${name} for another)` : ""}
  upstream   ${model ? `a stand-in at ${model.url} (set HOLYSHEEP_API_KEY for the real one)` : "as the configuration says, with HOLYSHEEP_API_KEY"}
  limits and cache live in ${memoryOrRedis()}
  metrics    ${health}/metrics

Try:
  ${curl} ${json} -d '${chat}'
  ${curl} ${json} -N -d '${stream}'
  curl ${url}/v1/models -H "x-api-key: ${key}"
  new OpenAI({ baseURL: "${url}/v1", apiKey: "${key}" })   // npm package openai

Ctrl-C stops everything.
`;
}

function memoryOrRedis(): string {
  const address = process.env.REDIS_URL;
  if (!address) return "the plugin server's memory (set REDIS_URL to share them)";
  // Without the user and the password that it may carry.
  return `the Redis at ${new URL(address).host}`;
}

// npm hands on the Ctrl-C that the terminal has sent us already: only a later one is impatience.
const impatientMilliseconds = 2000;

function stopOnSignals(started: Started): void {
  let stoppingSince: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stoppingSince === undefined) stop(started).then(() => process.exit(0));
      else if (Date.now() - stoppingSince > impatientMilliseconds) process.exit(1);
      stoppingSince ??= Date.now();
    });
  }
}

/** Kong first, so that what it still has to tell the plugin server arrives. */
async function stop({ kong, plugins, model }: Started): Promise<void> {
  await kong?.stop();
  await plugins?.stop();
  await model?.close();
}

if (require.main === module) void demoCommand().parseAsync();
