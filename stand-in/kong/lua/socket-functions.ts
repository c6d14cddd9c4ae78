// ngx.socket.tcp for environment.lua: a cosocket's methods as functions of its handle.

import { isTable, LuaError, type LuaValue } from "../lua-value";
import { Cosocket } from "./cosocket";
import type { CosocketPool } from "./cosocket-pool";
import type { LuaEngine } from "./engine";
import type { HostFunction } from "./run";

// Sockets wait, which only these phases can (OpenResty: "API disabled in the context of ...").
const waiting = new Set(["rewrite", "access", "timer"]);

export function socketFunctions(
  engine: LuaEngine,
  pool: CosocketPool,
): Record<string, HostFunction> {
  return {
    socket_tcp() {
      const { phase } = engine.run;
      if (!waiting.has(phase)) {
        throw new LuaError(`API disabled in the context of ${phase}_by_lua*`);
      }
      return new Cosocket(pool);
    },
    // connect(host, port, options), and connect("unix:...", options).
    socket_connect: (socket, host, port, options) =>
      cosocket(socket).connect(String(host), numberOf(port), poolOf(options ?? port)),
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

function cosocket(value: LuaValue): Cosocket {
  if (value instanceof Cosocket) return value;
  throw new LuaError("not a socket");
}

function poolOf(options: LuaValue): string | undefined {
  return isTable(options) && typeof options.pool === "string" ? options.pool : undefined;
}

function numberOf(value: LuaValue): number | undefined {
  return typeof value === "number" ? value : undefined;
}
