// What environment.lua builds `ngx` and `kong.ctx` from: the clock, variables, the running request,
// timers and sockets. Names and errors are those of lua-nginx-module.

import { createHash } from "node:crypto";
import { lookup } from "node:dns/promises";
import type { KongRequest } from "../kong-request";
import { Failure, LuaError, type LuaValue } from "../lua-value";
import { nginxVariable, setNginxVariable } from "../pdk/nginx-variables";
import { headerValue } from "../pdk/pdk-function";
import type { CosocketPool } from "./cosocket-pool";
import { type LuaEngine, pushResult } from "./engine";
import { type LuaFunction, lua } from "./fengari";
import { Exit, type HostFunction, type Reference, type Result, Returns, type Run } from "./run";
import { socketFunctions } from "./socket-functions";
import type { LuaTimers } from "./timers";
import { read } from "./values";

export type LogLine = (level: string, message: string, request: KongRequest | undefined) => void;

interface Host {
  engine: LuaEngine;
  timers: LuaTimers;
  sockets: CosocketPool;
  log: LogLine;
  /** What ngx.worker.pid answers. */
  pid: number;
}

export function hostFunctions(host: Host): Record<string, LuaFunction> {
  const { engine } = host;
  const plain = {
    ...clock(),
    ...worker(host),
    ...texts(),
    ...ofRequest(host),
    ...bodyOf(host),
    ...socketFunctions(engine, host.sockets),
  };
  const functions = Object.entries(plain).map(([name, fn]) => [name, engine.hostFunction(fn)]);
  return { ...Object.fromEntries(functions), ...tables(engine), ...timers(host) };
}

function clock(): Record<string, HostFunction> {
  return {
    now: () => Date.now() / 1000,
    time: () => Math.floor(Date.now() / 1000),
    update_time: () => undefined,
    null: () => null,
  };
}

function worker({ timers, log, engine, pid }: Host): Record<string, HostFunction> {
  return {
    worker_id: () => 0,
    worker_count: () => 1,
    worker_pid: () => pid,
    worker_exiting: () => timers.exiting,
    get_phase: () => engine.run.phase,
    sleep: (seconds) =>
      new Promise((resolve) => {
        setTimeout(() => resolve(undefined), Number(seconds) * 1000);
      }),
    plugin_id: () => engine.run.plugin?.id,
    toip,
    log(level, message) {
      const { plugin, request } = engine.run;
      log(String(level), `${plugin ? `[${plugin.name}] ` : ""}${message}`, request);
      return undefined;
    },
  };
}

/** kong.dns.toip: the address of a name. It waits, unlike the balancer's. */
async function toip(host: LuaValue, port: LuaValue): Promise<Result> {
  try {
    const { address } = await lookup(String(host).replace(/^\[|\]$/g, ""));
    return new Returns([address, port]);
  } catch {
    return new Failure("dns server error: 3 name error");
  }
}

function texts(): Record<string, HostFunction> {
  const digest = (algorithm: string, encoding: "hex" | "latin1"): HostFunction => {
    return (bytes) =>
      createHash(algorithm).update(String(bytes), "latin1").digest().toString(encoding);
  };
  return {
    md5: digest("md5", "hex"),
    md5_bin: digest("md5", "latin1"),
    sha1_bin: digest("sha1", "latin1"),
    encode_base64: (bytes) => Buffer.from(String(bytes), "latin1").toString("base64"),
    decode_base64: (encoded) => Buffer.from(String(encoded), "base64").toString("latin1"),
    escape_uri: (bytes) =>
      String(bytes).replace(
        /[^A-Za-z0-9\-._~]/g,
        (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
      ),
    unescape_uri: (escaped) =>
      String(escaped)
        .replaceAll("+", " ")
        .replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        ),
  };
}

function ofRequest({ engine }: Host): Record<string, HostFunction> {
  const current = () => requestOf(engine.run);
  return {
    get_variable: (name) => nginxVariable(current(), name),
    set_variable: (name, value) => setNginxVariable(current(), name, value),
    start_time: () => current().startedAt / 1000,
    get_method: () => current().method,
    get_request_headers: (raw) => current().headers.toTable(raw === true),
    clear_request_header(name) {
      current().headers.remove(dashed(name));
      return undefined;
    },
    get_status: () => current().status,
    headers_sent: () => current().headersSent,
    set_status(status) {
      current().status = Number(status);
      return undefined;
    },
    get_response_header(name) {
      const values = current().responseHeaders.all(dashed(name));
      return values.length > 1 ? values : values[0];
    },
    set_response_header(name, value) {
      const request = current();
      if (request.headersSent) throw new LuaError("attempt to set ngx.header.HEADER after sending");
      if (value === undefined || value === null) request.responseHeaders.remove(dashed(name));
      else request.responseHeaders.set(...headerValue(dashed(name), value));
      return undefined;
    },
    get_balancer: (name) => current().balancer?.get(name),
    set_balancer(name, value) {
      current().balancer?.set(name, value);
      return undefined;
    },
    has_balancer: () => engine.run.request?.balancer !== undefined,
    get_argument: (index) => argument(engine.run, index),
    set_argument(index, value) {
      argument(engine.run, index);
      if (index === 1) current().chunk = value === undefined ? "" : String(value);
      else current().last = value === true;
      return undefined;
    },
    exit(status) {
      const request = current();
      const code = Number(status);
      if (code >= 200) request.answer = { status: code, body: undefined, headers: {} };
      throw new Exit();
    },
  };
}

/** ngx.req.read_body and what it has read. */
function bodyOf({ engine }: Host): Record<string, HostFunction> {
  const current = () => requestOf(engine.run);
  return {
    async read_body() {
      await current().body.read();
      return undefined;
    },
    get_body_data() {
      const { body, settings } = current();
      return body.inMemory(settings.clientBodyBufferBytes)?.toString("latin1");
    },
    get_body_file() {
      const { body, settings } = current();
      return body.file(settings.clientBodyBufferBytes);
    },
  };
}

function argument({ phase, request }: Run, index: LuaValue): LuaValue {
  if (phase !== "body_filter" || !request) {
    throw new LuaError(`API disabled in the context of ${phase}_by_lua*`);
  }
  if (index === 1) return request.chunk;
  return index === 2 ? request.last : undefined;
}

function tables(engine: LuaEngine): Record<string, LuaFunction> {
  const table = (find: (run: Run) => number) =>
    engine.rawFunction((state) => {
      engine.pushReference(state, find(engine.run));
      return 1;
    });
  return {
    context: table(({ tables: own }) => {
      own.ctx ??= engine.newTable();
      return own.ctx;
    }),
    shared: table(({ tables: own }) => {
      own.shared ??= engine.newTable();
      return own.shared;
    }),
    plugin: table(({ tables: own, plugin }) => {
      const name = plugin?.name ?? "";
      own.plugins ??= new Map();
      const known = own.plugins.get(name) ?? engine.newTable();
      own.plugins.set(name, known);
      return known;
    }),
  };
}

function timers({ engine, timers: all }: Host): Record<string, LuaFunction> {
  const timer = (start: (delay: number, fn: Reference) => Result) =>
    engine.rawFunction((state) => {
      if (engine.run.phase === "init") {
        throw new LuaError("API disabled in the context of init_by_lua*");
      }
      const delay = read(state, 1);
      if (typeof delay !== "number" || delay < 0) throw new LuaError("invalid delay");
      lua.lua_pushvalue(state, 2);
      const result = start(delay, engine.keep(state));
      lua.lua_settop(state, 0);
      return pushResult(state, result);
    });
  return {
    timer_at: timer((delay, fn) => all.at(delay, fn)),
    native_timer_at: timer((delay, fn) => all.nativeAt(delay, fn)),
  };
}

function requestOf({ request, phase }: Run): KongRequest {
  if (!request) throw new LuaError(`API disabled in the context of ${phase}_by_lua*`);
  return request;
}

function dashed(name: LuaValue): string {
  return String(name).replaceAll("_", "-");
}
