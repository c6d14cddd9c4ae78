// One Kong worker: the configuration with which it started, its Lua, and the requests that it serves,
// each from the first byte to its log phase.

import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname } from "node:path";
import { parseDeclarative } from "../../kong/declarative";
import { NameFailure } from "./balancer";
import { BalancerData } from "./balancer-data";
import { entitiesOf } from "./config";
import { Downstream, serverName } from "./downstream";
import { errorAnswer } from "./error-answer";
import { ExternalPlugin } from "./external-plugin";
import type { StandInOptions } from "./gateway";
import { KongRequest, type Settings } from "./kong-request";
import type { LogLine } from "./lua/host-functions";
import { LuaWorker } from "./lua/worker";
import { pdkFunctions } from "./pdk/functions";
import { configurePlugins } from "./plugin-configs";
import { PluginServerSocket } from "./plugin-server-socket";
import { proxy } from "./proxy";
import { routerOf } from "./router";
import { Runloop } from "./runloop";

export class KongWorker {
  private readonly socket: PluginServerSocket;
  private readonly lua: LuaWorker;
  private readonly parts: Parts;
  private readonly open = new Set<Promise<void>>();

  /**
   * @param pid what ngx.worker.pid answers
   * @throws DeclarativeError when the configuration is not usable, as Kong does not start then
   */
  constructor(options: StandInOptions, pid: number, log: LogLine) {
    const { dumps, environment, luaPackagePath } = options;
    const entities = entitiesOf(parseDeclarative(options.config), Date.now());
    this.socket = new PluginServerSocket(options.socket);
    const lua = new LuaWorker(pdkFunctions, log, {
      packagePath: luaPackagePath,
      configuration: configurationOf(options),
      pid,
    });
    this.lua = lua;
    for (const { Name } of dumps) lua.plugin(Name);
    const sources = { dumps, lua: (name: string) => lua.plugin(name) };
    const plugins = configurePlugins(entities.plugins, sources, environment, (name) =>
      log("debug", `${serverName} does not run Kong's own plugin ${name}`, undefined),
    );
    const externals = new Map(
      dumps.map(({ Name }) => [
        Name,
        new ExternalPlugin(Name, this.socket, lua, pdkFunctions, log),
      ]),
    );
    this.parts = {
      runloop: new Runloop({ plugins, entities, lua, externals, log }),
      find: routerOf(entities.routes),
      log,
      settings: {
        clientBodyBufferBytes: options.clientBodyBufferBytes ?? 8192,
        nextUpstream: new Set(options.proxyNextUpstream ?? ["error", "timeout"]),
        trusted: options.trustedCertificate && readFileSync(options.trustedCertificate, "utf8"),
      },
    };
    lua.start();
  }

  serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const done = serve(this.parts, incoming, outgoing).finally(() => this.open.delete(done));
    this.open.add(done);
  }

  /** Gets no more requests: ends those that are open, then its timers and connections. */
  async end(): Promise<void> {
    this.lua.beginExit();
    await Promise.all(this.open);
    await this.lua.exit();
    this.socket.close();
  }
}

/** kong.configuration, as far as plugins read it. */
function configurationOf({ dumps, socket, luaPackagePath = "", ...options }: StandInOptions) {
  const words = options.proxyNextUpstream?.join(" ");
  const names = options.namesSocket === false ? [] : dumps.map(({ Name }) => Name);
  const sockets = names.map((name) => [`pluginserver_${name.replaceAll("-", "_")}_socket`, socket]);
  return {
    prefix: dirname(socket),
    role: "traditional",
    database: "off",
    lua_package_path: luaPackagePath,
    pluginserver_names: names.join(","),
    ...(words !== undefined && { nginx_proxy_proxy_next_upstream: words }),
    ...(Object.fromEntries(sockets) as Record<string, string>),
  };
}

interface Parts {
  runloop: Runloop;
  find: ReturnType<typeof routerOf>;
  settings: Settings;
  log: LogLine;
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
    parts.log("err", (error as Error).message, request);
    downstream.abort();
  }
  await closed;
  // nginx's status for a client that has gone before it was answered.
  if (!request.headersSent) request.status = 499;
  await parts.runloop.log(request);
}

async function answer(
  { runloop, find, log }: Parts,
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
  const { balancer } = request;
  if (match && balancer && !request.answer) {
    const nextTry = (one: KongRequest) => runloop.nextTry(one);
    await proxy(request, balancer, match.route, downstream, { gone, nextTry }).catch((error) => {
      if (!(error instanceof NameFailure)) throw error;
      log("err", error.message, request);
      request.proxied = false;
      exitWith(request, 503, "name resolution failed");
    });
  }
  if (request.answer) sendAnswer(request, downstream);
}

async function access(
  runloop: Runloop,
  request: KongRequest,
  { service, upstreamUri, route }: NonNullable<KongRequest["match"]>,
): Promise<void> {
  request.upstreamUri = upstreamUri;
  request.upstreamScheme = service?.protocol ?? "http";
  if (service) request.balancer = new BalancerData(service);
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
