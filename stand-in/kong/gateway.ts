// The stand-in for Kong: an HTTP server that loads a DB-less configuration and treats requests as
// Kong 3.9.3 does, with the plugin server over its socket and protocol. For development and tests
// only; it says so in its log and in its Server header.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseDeclarative } from "../../kong/declarative";
import { log as ourLog } from "../../stages/log";
import { type Entities, entitiesOf } from "./config";
import { Downstream, serverName } from "./downstream";
import { errorAnswer } from "./error-answer";
import { ExternalPlugin } from "./external-plugin";
import { KongRequest, type Settings } from "./kong-request";
import type { LogLine } from "./lua/host-functions";
import { LuaWorker } from "./lua/worker";
import { textOf } from "./lua-value";
import { pdkFunctions } from "./pdk/functions";
import { configurePlugins, type PluginDump } from "./plugin-configs";
import { PluginServerSocket } from "./plugin-server-socket";
import { proxy } from "./proxy";
import { routerOf } from "./router";
import { Runloop } from "./runloop";

export interface StandInOptions {
  /** YAML as a DB-less Kong loads it (kong/declarative.ts renders it). */
  config: string;
  /** What `kong-llm schema` prints for each plugin. */
  dumps: PluginDump[];
  /** The plugin server's socket. */
  socket: string;
  /** Kong's environment, for vault references. */
  environment: Record<string, string | undefined>;
  /** 0 takes a free one. */
  port: number;
  host?: string;
  /** Kong's client_body_buffer_size; its own default is 8 KB. */
  clientBodyBufferBytes?: number;
}

export interface StandIn {
  url: string;
  port: number;
  /** Ends open connections, and lets the Lua timers run a last time. */
  stop(): Promise<void>;
}

const log: LogLine = (level, message, request) => {
  const line = { component: serverName, ...(request && { request_id: request.id }) };
  const known = levels[level] ?? "error";
  ourLog[known](line, textOf(message));
};

const levels: Record<string, "debug" | "info" | "warn" | "error"> = {
  debug: "debug",
  info: "info",
  notice: "info",
  warn: "warn",
};

/**
 * @throws DeclarativeError when the configuration is not usable, as Kong does not start then
 */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const entities = entitiesOf(parseDeclarative(options.config), Date.now());
  const socket = new PluginServerSocket(options.socket);
  const lua = new LuaWorker(pdkFunctions, log);
  const runloop = runloopOf(options, entities, socket, lua);
  const find = routerOf(entities.routes);
  const settings = { clientBodyBufferBytes: options.clientBodyBufferBytes ?? 8192 };

  const open = new Set<Promise<void>>();
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    const done = serve({ runloop, find, settings }, incoming, outgoing).finally(() =>
      open.delete(done),
    );
    open.add(done);
  });
  const port = await listen(server, options.port, options.host ?? "127.0.0.1");
  log("notice", `${serverName}: for development and tests only, not a Kong`, undefined);
  return {
    url: `http://${options.host ?? "127.0.0.1"}:${port}`,
    port,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await Promise.all(open);
      await lua.exit();
      socket.close();
    },
  };
}

function runloopOf(
  { dumps, environment }: StandInOptions,
  entities: Entities,
  socket: PluginServerSocket,
  lua: LuaWorker,
): Runloop {
  const plugins = configurePlugins(entities.plugins, dumps, environment, (name) =>
    log("debug", `${serverName} does not run Kong's own plugin ${name}`, undefined),
  );
  const externals = new Map(
    dumps.map(({ Name }) => [Name, new ExternalPlugin(Name, socket, lua, pdkFunctions, log)]),
  );
  return new Runloop({ plugins, entities, lua, externals, log });
}

interface Parts {
  runloop: Runloop;
  find: ReturnType<typeof routerOf>;
  settings: Settings;
}

/** One request from its first byte to its log phase. Never rejects. */
async function serve(
  parts: Parts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const request = new KongRequest(incoming, "http", parts.settings);
  const downstream = new Downstream(request, outgoing, parts.runloop);
  const gone = new AbortController();
  const closed = new Promise<void>((resolve) => {
    outgoing.once("close", () => {
      request.clientLeft = !downstream.ended;
      if (!outgoing.writableFinished) gone.abort();
      resolve();
    });
  });
  incoming.on("error", () => undefined);
  try {
    await answer(parts, request, downstream, gone.signal);
  } catch (error) {
    log("err", (error as Error).message, request);
    downstream.abort();
  }
  await closed;
  // nginx's status for a client that has gone before it was answered.
  if (!request.headersSent) request.status = 499;
  await parts.runloop.log(request);
}

async function answer(
  { runloop, find }: Parts,
  request: KongRequest,
  downstream: Downstream,
  gone: AbortSignal,
): Promise<void> {
  await runloop.rewrite(request);
  if (!request.answer) request.match = find(request);
  const { match } = request;
  if (!match && !request.answer) exitWith(request, 404, "no Route matched with those values");
  if (match) await access(runloop, request, match);
  request.accessEndedAt = Date.now();
  if (gone.aborted) return;
  if (request.answer) sendAnswer(request, downstream);
  else if (match?.service) await proxy(request, match.service, match.route, downstream, gone);
}

async function access(
  runloop: Runloop,
  request: KongRequest,
  { service, upstreamUri, route }: NonNullable<KongRequest["match"]>,
): Promise<void> {
  request.upstreamUri = upstreamUri;
  request.upstreamScheme = service?.protocol ?? "http";
  if (route.preserve_host) request.upstreamHost = request.headers.get("host");
  if (!route.protocols.includes(request.scheme)) {
    exitWith(request, route.https_redirect_status_code, "Please use HTTPS protocol");
    return;
  }
  await runloop.access(request);
  if (!request.answer && !service) exitWith(request, 503, "no Service found with those values");
}

function exitWith(request: KongRequest, status: number, message: string): void {
  request.exited = true;
  request.answer = { status, ...errorAnswer(request, status, message) };
}

function sendAnswer(request: KongRequest, downstream: Downstream): void {
  const { status, headers, body } = answerOf(request);
  request.exited = true;
  request.status = status;
  for (const [name, value] of Object.entries(headers)) {
    request.responseHeaders.set(name.replaceAll("_", "-"), value);
  }
  if (request.responseHeaders.get("content-length") === undefined) {
    request.responseHeaders.set("Content-Length", String(body?.length ?? 0));
  }
  request.body.discard();
  downstream.head();
  if (body) downstream.chunk(Buffer.from(body, "latin1"));
  downstream.end();
}

/** An answer without a body that stands for a failure says what Kong says. */
function answerOf(request: KongRequest): NonNullable<KongRequest["answer"]> {
  const given = request.answer!;
  if (!request.unexpected) return given;
  return { status: given.status, ...errorAnswer(request, given.status) };
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
