// The socket of a plugin server: sends one message, waits for its answer, keeps connections for the
// next. Messages and errors as in kong/runloop/plugin_servers/rpc/mp_rpc.lua 3.9.

import { connect, type Socket } from "node:net";
import { LuaError, type LuaValue } from "./lua-value";
import { type Packable, pack, unpack } from "./message-pack";

/** An answer that is an error, or no answer: what Rpc:call returns beside nil. */
export class RpcFailure extends Error {}

// OpenResty's default timeouts and Kong's lua_socket_pool_size.
const answerMilliseconds = 60_000;
const mostIdle = 256;

export class PluginServerSocket {
  private readonly idle: Socket[] = [];

  constructor(private readonly path: string) {}

  /** @throws RpcFailure, or LuaError when what comes back is no answer to this message */
  async call(id: number, method: string, args: Packable[]): Promise<LuaValue> {
    const socket = this.idle.pop() ?? (await open(this.path));
    const answer = await exchange(socket, pack([0, id, method, args]));
    this.keep(socket);
    if (!Array.isArray(answer) || answer[0] !== 1) {
      throw new LuaError("RPC response expected from Go plugin server");
    }
    const [, answered, error, result] = answer;
    if (answered !== id) throw new LuaError("unexpected RPC response ID from Go plugin server");
    if (error === undefined) return result;
    if (typeof error !== "string")
      throw new LuaError("attempt to call method 'lower' (a nil value)");
    throw new RpcFailure(error);
  }

  close(): void {
    for (const socket of this.idle.splice(0)) socket.destroy();
  }

  private keep(socket: Socket): void {
    if (this.idle.length >= mostIdle) {
      socket.destroy();
      return;
    }
    this.idle.push(socket);
    socket.removeAllListeners();
    const forget = () => {
      const at = this.idle.indexOf(socket);
      if (at >= 0) this.idle.splice(at, 1);
      socket.destroy();
    };
    socket.on("error", forget).on("close", forget).on("end", forget);
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const refused = error.code === "ECONNREFUSED" ? "connection refused" : undefined;
      const absent = error.code === "ENOENT" ? "no such file or directory" : undefined;
      reject(new RpcFailure(refused ?? absent ?? error.message));
    });
  });
}

function exchange(socket: Socket, message: Buffer): Promise<LuaValue> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const timer = setTimeout(() => fail(), answerMilliseconds);
    const done = () => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => socket.destroy());
    };
    // Kong's reader knows no reason: whatever ends the connection is "no data".
    const fail = () => {
      done();
      socket.destroy();
      reject(new RpcFailure("no data"));
    };
    socket.removeAllListeners();
    socket.on("error", fail);
    socket.on("close", fail);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      try {
        const read = nextAnswer(received);
        if (!read) return;
        done();
        resolve(read);
      } catch (error) {
        done();
        socket.destroy();
        reject(error);
      }
    });
    socket.write(message);
  });
}

// A message of type 2 is a notification, which may stand before the answer.
function nextAnswer(received: Buffer): LuaValue {
  let at = 0;
  for (;;) {
    const read = unpack(received.subarray(at));
    if (!read) return undefined;
    if (!Array.isArray(read.value) || read.value[0] !== 2) return read.value;
    at += read.end;
  }
}
