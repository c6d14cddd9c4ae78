// The processes of a bench: a server as its users run it, the load generator beside it, and what the
// server's process used.

import { type ChildProcess, fork, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Load, Loaded } from "./load";

export const root = join(__dirname, "..");

export interface Server {
  name: string;
  socket: string;
  process: ChildProcess;
}

/** Bytes, as Node tells them: after a collection, and what there was before it. */
export type Kept = NodeJS.MemoryUsage & { before: NodeJS.MemoryUsage };

export interface Measured extends Loaded {
  /** Seconds of CPU that the server used. */
  serverCpu: number;
}

/** Needs a build: servers run as their users run them, from JavaScript. */
export function requireBuild(): void {
  if (!existsSync(join(root, "dist/cli/main.js"))) throw new Error("run npm run build first");
}

/** Starts a server and settles when its socket is there. */
export async function startServer(name: string, socket: string, args: string[]): Promise<Server> {
  const collect = ["--expose-gc", "--require", join(__dirname, "collect.js")];
  const server = spawn(process.execPath, [...collect, ...args], {
    stdio: "ignore",
    env: { NODE_ENV: "production" },
  });
  for (let waited = 0; !existsSync(socket); waited++) {
    if (server.exitCode !== null || waited > 200) throw new Error(`${name} does not start`);
    await new Promise((later) => setTimeout(later, 50));
  }
  return { name, socket, process: server };
}

/** Ends a server; SIGTERM lets it write what it was told to write. */
export async function stop(server: Server, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  const gone = new Promise((exited) => server.process.once("exit", exited));
  server.process.kill(signal);
  await gone;
  rmSync(server.socket, { force: true });
}

export async function measure(
  server: Server,
  load: Omit<Load, "socket">,
  seconds: number,
): Promise<Measured> {
  const before = cpuSeconds(server);
  const loaded = await generate({ socket: server.socket, ...load, milliseconds: seconds * 1000 });
  return { ...loaded, serverCpu: cpuSeconds(server) - before };
}

export function generate(load: Load): Promise<Loaded> {
  return new Promise((loaded, failed) => {
    const generator = fork(join(__dirname, "load.ts"), { execArgv: ["--import", "tsx"] });
    generator.on("message", (message: Loaded | { error: string }) => {
      generator.kill();
      if ("error" in message) failed(new Error(message.error));
      else loaded(message);
    });
    generator.on("exit", (code) => failed(new Error(`the load generator ended: ${code}`)));
    generator.send(load);
  });
}

/** What a server keeps after a collection: garbage that V8 has not thrown away yet is no leak. */
export async function keptBy({ process }: Server): Promise<Kept> {
  const file = join(tmpdir(), `kept-by-${process.pid}.json`);
  process.kill("SIGUSR2");
  for (let waited = 0; waited < 200; waited++) {
    await new Promise((later) => setTimeout(later, 50));
    try {
      const kept = JSON.parse(readFileSync(file, "utf8")) as Kept;
      rmSync(file);
      return kept;
    } catch {
      // It is still collecting, or writing.
    }
  }
  throw new Error("the server does not tell what it keeps");
}

/**
 * CPU time of all threads of a server, as Linux counts it for its scheduler, in nanoseconds:
 * https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
 */
export function cpuSeconds({ process }: Server): number {
  const tasks = `/proc/${process.pid}/task`;
  const nanoseconds = readdirSync(tasks).map((task) => {
    return Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]);
  });
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e9;
}
