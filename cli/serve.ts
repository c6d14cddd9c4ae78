// kong-llm serve: the plugin server as a process, with its options, signals and last resorts.

import { dirname, join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { TokenSource } from "../page/token";
import { tell } from "../server/discreet";
import { defaultEventOptions } from "../server/events";
import { defaultLimits } from "../server/frames";
import type { HealthAddress } from "../server/health";
import { startServer } from "../server/server";
import type { SocketOptions } from "../server/socket";
import { log } from "../stages/log";
import type { Signal } from "../telemetry/delivery";
import { readSettings, signalsIn } from "../telemetry/settings";
import { defaultPlugins } from "./schema";

interface ServeOptions {
  plugins: string;
  socket: string;
  socketMode: number;
  socketOwner?: NonNullable<SocketOptions["owner"]>;
  outcomesSocket?: string;
  healthAddress: HealthAddress | "off";
  pageTokenFile?: string;
  maxFrameBytes: number;
  eventTimeout: number;
  telemetry: Signal[];
}

/**
 * Every option has an environment variable too; spawned by Kong the server has an empty environment,
 * so flags alone suffice.
 */
export function addServe(program: Command): void {
  program
    .command("serve")
    .description("run the plugin server for Kong's workers")
    .addOption(option("--plugins <dir>", "PLUGINS", "directory of plugins", defaultPlugins))
    .addOption(
      option("--socket <path>", "SOCKET", "unix socket for Kong", "/run/kong-llm/kong-llm.sock"),
    )
    .addOption(
      option("--socket-mode <mode>", "SOCKET_MODE", "permission bits of both sockets", 0o666)
        .argParser(octal)
        .default(0o666, "0666"),
    )
    .addOption(
      option("--socket-owner <uid:gid>", "SOCKET_OWNER", "numeric owner of both sockets").argParser(
        owner,
      ),
    )
    .addOption(
      option(
        "--outcomes-socket <path>",
        "OUTCOMES_SOCKET",
        "unix socket for the outcomes of requests; default: outcomes.sock beside --socket",
      ),
    )
    .addOption(
      option(
        "--health-address <host:port>",
        "HEALTH_ADDRESS",
        "address of /healthz, /readyz and /metrics, or off",
      )
        .argParser(healthAddress)
        .default({ host: "127.0.0.1", port: 9100 }, "127.0.0.1:9100"),
    )
    .addOption(
      option(
        "--page-token-file <path>",
        "PAGE_TOKEN_FILE",
        "file with the token that opens the operators' page at /page of the health address; without it, or KONG_LLM_PAGE_TOKEN, there is no page",
      ),
    )
    .addOption(
      option("--max-frame-bytes <bytes>", "MAX_FRAME_BYTES", "largest message of Kong")
        .argParser(positive)
        .default(defaultLimits.maxBytes),
    )
    .addOption(
      option("--event-timeout <seconds>", "EVENT_TIMEOUT", "when Kong has given up on an event")
        .argParser(positive)
        .default(defaultEventOptions.timeoutSeconds),
    )
    .addOption(
      option(
        "--telemetry <signals>",
        "TELEMETRY",
        "what goes to an OTLP receiver, which OTEL_* variables name: traces, metrics, both, or off",
      )
        .argParser(signals)
        .default([], "off"),
    )
    .action(serveUntilStopped);
}

async function serveUntilStopped(options: ServeOptions): Promise<void> {
  // One request's failure is not the others': log it and go on.
  process.on("unhandledRejection", (error) =>
    log.error({ error: tell(error) }, "unhandled rejection"),
  );
  process.on("uncaughtException", (error) =>
    log.error({ error: tell(error) }, "uncaught exception"),
  );

  const telemetry = readSettings(options.telemetry, process.env);
  if (options.telemetry.length > 0 && !telemetry) log.info("OTEL_* variables switch telemetry off");
  const shared = { mode: options.socketMode, owner: options.socketOwner };
  const beside = join(dirname(options.socket), "outcomes.sock");
  const server = await startServer({
    plugins: options.plugins,
    socket: { path: options.socket, ...shared },
    outcomes: { path: options.outcomesSocket ?? beside, ...shared },
    health: options.healthAddress === "off" ? undefined : options.healthAddress,
    page: pageToken(options),
    maxFrameBytes: options.maxFrameBytes,
    events: { timeoutSeconds: options.eventTimeout },
    telemetry,
  });

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal, open_events: server.events.size }, "stopping");
    server.stop().then(() => process.exit(0));
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

/** A token is no flag: lists of processes would show it. */
function pageToken({ pageTokenFile: file, healthAddress }: ServeOptions): TokenSource | undefined {
  const { KONG_LLM_PAGE_TOKEN: value } = process.env;
  if (!file && !value) return undefined;
  if (healthAddress === "off") {
    throw new Error(
      "the operators' page is at the health address: --health-address must not be off",
    );
  }
  return file ? { file } : { value: value! };
}

function option(flags: string, variable: string, description: string, standard?: unknown): Option {
  const made = new Option(flags, description).env(`KONG_LLM_${variable}`);
  return standard === undefined ? made : made.default(standard);
}

function octal(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new InvalidArgumentError("give it as 0666 or 0660");
  return Number.parseInt(text, 8);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isSafeInteger(value))) {
    throw new InvalidArgumentError("give a whole number above 0");
  }
  return value;
}

function owner(text: string): SocketOptions["owner"] {
  const match = /^(\d*)(?::(\d+))?$/.exec(text);
  if (!match || text === "") throw new InvalidArgumentError("give it as 1000:1000 or :1000");
  const [, uid, gid] = match;
  return { ...(uid && { uid: Number(uid) }), ...(gid && { gid: Number(gid) }) };
}

function healthAddress(text: string): HealthAddress | "off" {
  if (text === "off") return "off";
  const match = /^(?:\[([0-9a-f:]+)\]|([^:]+)):(\d+)$/i.exec(text);
  if (!match) throw new InvalidArgumentError("give it as 127.0.0.1:9100, or off");
  return { host: (match[1] ?? match[2])!, port: Number(match[3]) };
}

function signals(text: string): Signal[] {
  const named = signalsIn(text);
  if (!named)
    throw new InvalidArgumentError("give it as traces,metrics, as one of them, or as off");
  return named;
}
