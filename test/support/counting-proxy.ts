// Stands between Kong and the plugin server and counts the messages that Kong sends, by its own
// protocol and by the driver's: the budget of messages is a promise, and it is counted where they are.

import { chmodSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { AskSplitter } from "../../kong/ask-frame";
import { unpack } from "../../stand-in/kong/message-pack";

export interface CountingProxy {
  /** How many messages Kong has sent so far. */
  messages(): number;
  /** How many configs Kong's workers have told so far, by either protocol. */
  configs(): number;
  stop(): Promise<void>;
}

export async function startCountingProxy(path: string, target: string): Promise<CountingProxy> {
  const counts = new Map<string, number>();
  const counted = (method: string) => counts.set(method, (counts.get(method) ?? 0) + 1);
  const sockets = new Set<Socket>();
  const servers = await Promise.all([
    relay(path, target, sockets, (kong) => countRpc(kong, counted)),
    relay(`${path}.ask`, `${target}.ask`, sockets, (kong) => countAsks(kong, counted)),
  ]);
  return {
    messages: () => [...counts.values()].reduce((sum, number) => sum + number, 0),
    configs: () => (counts.get("plugin.StartInstance") ?? 0) + (counts.get("C") ?? 0),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
    },
  };
}

async function relay(
  path: string,
  target: string,
  sockets: Set<Socket>,
  watch: (kong: Socket) => void,
): Promise<Server> {
  const server = createServer((kong) => {
    const plugins = connect(target);
    for (const socket of [kong, plugins]) {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    }
    watch(kong);
    join(kong, plugins);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // As many as the plugin server itself lets wait.
    server.listen({ path, backlog: 4096 }, resolve);
  });
  // Kong's workers are unprivileged.
  chmodSync(path, 0o666);
  return server;
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

function countRpc(kong: Socket, counted: (method: string) => void): void {
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

function countAsks(kong: Socket, counted: (kind: string) => void): void {
  const splitter = new AskSplitter();
  kong.on("data", (chunk: Buffer) => splitter.push(chunk, ({ kind }) => counted(kind)));
}
