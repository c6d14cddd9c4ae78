// What environment.lua builds `ngx` and `kong.ctx` from: the clock, variables, the running request,
// timers and sockets. Names and errors are those of lua-nginx-module.

import type { KongRequest } from "../kong-request";
import { Failure, LuaError, type LuaValue } from "../lua-value";
import { nginxVariable, setNginxVariable } from "../pdk/nginx-variables";
import { headerValue } from "../pdk/pdk-function";
import { Cosocket, type CosocketPool } from "./cosocket";
import { Exit, type HostFunction, type LuaEngine, type Run } from "./engine";
import { type LuaFunction, lua } from "./fengari";
import type { LuaTimers } from "./timers";
import { read } from "./values";

export type LogLine = (level: string, message: string, request: KongRequest | undefined) => void;

interface Host {
  engine: LuaEngine;
  timers: LuaTimers;
  sockets: CosocketPool;
  log: LogLine;
}

export function hostFunctions(host: Host): Record<string, LuaFunction> {
  const { engine } = host;
  const plain = { ...clock(), ...worker(host), ...texts(), ...ofRequest(host), ...sockets(host) };
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

function worker({ timers, log, engine }: Host): Record<string, HostFunction> {
  return {
    worker_id: () => 0,
    worker_count: () => 1,
    worker_pid: () => process.pid,
    worker_exiting: () => timers.exiting,
    get_phase: () => engine.run.phase,
    sleep: (seconds) =>
      new Promise((resolve) => {
        setTimeout(() => resolve(undefined), Number(seconds) * 1000);
      }),
    log(level, message) {
      log(String(level), String(message), engine.run.request);
      return undefined;
    },
  };
}

function texts(): Record<string, HostFunction> {
  return {
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
    get_request_headers: () => current().headers.toTable(),
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

function argument({ phase, request }: Run, index: LuaValue): LuaValue {
  if (phase !== "body_filter" || !request) {
    throw new LuaError(`API disabled in the context of ${phase}_by_lua*`);
  }
  if (index === 1) return request.chunk;
  return index === 2 ? request.last : undefined;
}

// Sockets wait, which only access and timers can (OpenResty: "API disabled in the context of ...").
function sockets({ engine, sockets: pool }: Host): Record<string, HostFunction> {
  return {
    socket_tcp() {
      const { phase } = engine.run;
      if (phase !== "access" && phase !== "timer") {
        throw new LuaError(`API disabled in the context of ${phase}_by_lua*`);
      }
      return new Cosocket(pool);
    },
    socket_connect: (socket, host, port) =>
      cosocket(socket).connect(String(host), typeof port === "number" ? port : undefined),
    socket_send: (socket, data) => cosocket(socket).send(data),
    socket_receive: (socket, pattern) => cosocket(socket).receive(pattern ?? "*l"),
    socket_receiveany: (socket, most) => cosocket(socket).receiveany(Number(most)),
    socket_settimeout(socket, all) {
      cosocket(socket).settimeouts(Number(all), Number(all), Number(all));
      return undefined;
    },
    socket_settimeouts(socket, connecting, sending, reading) {
      cosocket(socket).settimeouts(Number(connecting), Number(sending), Number(reading));
      return undefined;
    },
    socket_setkeepalive: (socket, timeout, size) =>
      cosocket(socket).setkeepalive(numberOf(timeout), numberOf(size)),
    socket_getreusedtimes: (socket) => cosocket(socket).getreusedtimes(),
    socket_close: (socket) => cosocket(socket).close(),
  };
}

function tables(engine: LuaEngine): Record<string, LuaFunction> {
  const table = (name: "ctx" | "shared") =>
    engine.rawFunction((state) => {
      const { tables: own } = engine.run;
      own[name] ??= engine.newTable();
      engine.pushReference(state, own[name]);
      return 1;
    });
  return { context: table("ctx"), shared: table("shared") };
}

function timers({ engine, timers: all }: Host): Record<string, LuaFunction> {
  return {
    timer_at: engine.rawFunction((state) => {
      const delay = read(state, 1);
      if (typeof delay !== "number" || delay < 0) throw new LuaError("invalid delay");
      lua.lua_pushvalue(state, 2);
      const result = all.at(delay, engine.keep(state));
      lua.lua_settop(state, 0);
      if (!(result instanceof Failure)) {
        lua.lua_pushboolean(state, true);
        return 1;
      }
      return engine.pushFailure(state, result);
    }),
  };
}

function requestOf({ request, phase }: Run): KongRequest {
  if (!request) throw new LuaError(`API disabled in the context of ${phase}_by_lua*`);
  return request;
}

function cosocket(value: LuaValue): Cosocket {
  if (value instanceof Cosocket) return value;
  throw new LuaError("not a socket");
}

function dashed(name: LuaValue): string {
  return String(name).replaceAll("_", "-");
}

function numberOf(value: LuaValue): number | undefined {
  return typeof value === "number" ? value : undefined;
}
