// The open connections that a worker keeps for the next Lua code that connects to the same place.

import type { Socket } from "node:net";

// nginx's, in milliseconds, and Kong's lua_socket_pool_size.
const defaultIdle = 60_000;
const defaultSize = 256;

interface Idle {
  socket: Socket;
  reused: number;
  timer: NodeJS.Timeout;
  forget: () => void;
}

/** Open connections that nobody uses, by address. */
export class CosocketPool {
  private readonly idle = new Map<string, Idle[]>();

  take(address: string): Idle | undefined {
    const found = this.idle.get(address)?.pop();
    if (!found) return undefined;
    clearTimeout(found.timer);
    found.socket.off("close", found.forget);
    found.socket.off("data", found.forget).off("error", found.forget);
    return found;
  }

  keep(
    address: string,
    socket: Socket,
    reused: number,
    timeout = defaultIdle,
    size = defaultSize,
  ): void {
    const list = this.idle.get(address) ?? [];
    this.idle.set(address, list);
    if (list.length >= size) list.shift()?.forget();
    const forget = () => {
      clearTimeout(entry.timer);
      const at = list.indexOf(entry);
      if (at >= 0) list.splice(at, 1);
      socket.destroy();
    };
    const timer = setTimeout(forget, timeout).unref();
    const entry: Idle = { socket, reused, timer, forget };
    socket.once("close", forget).once("data", forget).on("error", forget).resume();
    list.push(entry);
  }

  close(): void {
    for (const list of this.idle.values()) for (const { socket } of [...list]) socket.destroy();
  }
}
