// Stands between Kong and the plugin server and counts the messages that Kong sends: the budget of
// messages is a promise, and it is counted where the messages are.

import { chmodSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { unpack } from "../../stand-in/kong/message-pack";

export interface CountingProxy {
  /** How many messages Kong has sent so far. */
  messages(): number;
  /** How many of them had this method, such as plugin.StartInstance. */
  messagesOf(method: string): number;
  stop(): Promise<void>;
}

export async function startCountingProxy(path: string, target: string): Promise<CountingProxy> {
  const counts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = createServer((kong) => {
    const plugins = connect(target);
    sockets.add(kong).add(plugins);
    count(kong, (method) => counts.set(method, (counts.get(method) ?? 0) + 1));
    join(kong, plugins);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  // Kong's workers are unprivileged.
  chmodSync(path, 0o666);
  return {
    messages: () => [...counts.values()].reduce((sum, number) => sum + number, 0),
    messagesOf: (method) => counts.get(method) ?? 0,
    stop() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

// The end of one side is the end of the other: a dead plugin server must look dead to Kong.
function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on("data", (chunk) => to.write(chunk));
    from.on("error", () => from.destroy());
    from.on("close", () => to.destroy());
  }
}

function count(kong: Socket, counted: (method: string) => void): void {
  let held = Buffer.alloc(0);
  kong.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    for (let read = unpack(held); read; read = unpack(held)) {
      held = held.subarray(read.end);
      counted(Array.isArray(read.value) ? String(read.value[2]) : "no message");
      if (held.length === 0) break;
    }
  });
}
