// Listens on a unix socket that Kong's workers can reach: takes the place of a dead server's socket,
// never that of a living one, and cleans up only what is its own.

import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname, resolve } from "node:path";

export interface SocketOptions {
  path: string;
  /** Permission bits. Kong's workers must be able to write: 0666, or 0660 with a shared group. */
  mode: number;
  /** Numeric user and group of the socket; who has neither keeps the process's own. */
  owner?: { uid?: number; gid?: number };
}

export interface ListeningSocket {
  path: string;
  /** Takes no further connections; those that are open stay. */
  refuseNew(): void;
  /** Ends all connections, what is written to them first, and removes the socket. */
  close(): Promise<void>;
}

// A peer that does not read what is left gets no more time than this.
const closingMs = 500;

// Connections that wait to be taken while this process is busy; the system may allow fewer
// (net.core.somaxconn). Node's own 511 are gone within a second of a pause.
const mostWaiting = 4096;

// sun_path of Linux, less the closing zero; the suffix below counts too.
const longestPath = 107;

/**
 * Listens; `connected` gets each connection, after `prepare` has made of it what it shall be. Throws
 * an Error that says what to do when the path is taken by a running server or by
 * something that is no socket, or cannot be written.
 */
export async function listenOn(
  options: SocketOptions,
  connected: (socket: Socket) => void,
  prepare: (accepted: Socket) => Socket = (accepted) => accepted,
): Promise<ListeningSocket> {
  const path = resolve(options.path);
  // The socket gets its mode before it gets its name, and Kong never sees the name missing.
  const fresh = `${path}.${process.pid}`;
  if (Buffer.byteLength(fresh) > longestPath) {
    throw new Error(`the socket path ${path} is too long: ${longestPath - 9} bytes at most`);
  }
  mkdirSync(dirname(path), { recursive: true });
  await refuseSecond(path);
  rmSync(fresh, { force: true });

  const connections = new Set<Socket>();
  const server = createServer((accepted) => {
    const socket = prepare(accepted);
    connections.add(socket);
    // Peers break off; whoever speaks on the socket may listen for more.
    socket.on("error", () => {});
    socket.on("close", () => connections.delete(socket));
    connected(socket);
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen({ path: fresh, backlog: mostWaiting }, listening);
  });
  chmodSync(fresh, options.mode);
  if (options.owner) chownSync(fresh, options.owner.uid ?? -1, options.owner.gid ?? -1);
  renameSync(fresh, path);
  const own = lstatSync(path);

  const refuseNew = () => {
    server.close();
    if (sameFile(statOf(path), own)) unlinkSync(path);
  };
  return {
    path,
    refuseNew,
    async close() {
      refuseNew();
      // The answers of this turn are written at its end (outbox.ts).
      await new Promise(setImmediate);
      await Promise.race([Promise.all([...connections].map(ended)), waited(closingMs)]);
      for (const socket of connections) socket.destroy();
    },
  };
}

function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.end(() => resolve()));
}

async function waited(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

async function refuseSecond(path: string): Promise<void> {
  const stat = statOf(path);
  if (!stat) return;
  if (!stat.isSocket()) throw new Error(`${path} exists and is no socket: give another path`);
  if (await answers(path)) {
    throw new Error(`another plugin server is listening on ${path}: stop it or give another path`);
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else reject(new Error(`cannot tell whether ${path} is in use: ${error.message}`));
    });
  });
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function sameFile(one: Stats | undefined, other: Stats): boolean {
  return one !== undefined && one.ino === other.ino && one.dev === other.dev;
}
