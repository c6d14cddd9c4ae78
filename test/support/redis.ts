// A real Redis for tests, of the server that redis-server.ts finds, that a test may stop, freeze and
// restart. Each test file may start its own; nothing of it outlives the test process.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "../../dev/plugin-server";
import { findServer } from "./redis-server";

/**
 * Time for a Redis on a machine that runs tests: where it fails is tested beside the code, and what
 * these tests see must not hang on how busy the machine is.
 */
export const redisPatience = { connect_timeout_ms: 60_000, command_timeout_ms: 60_000 };

export interface TestRedis {
  url: string;
  port: number;
  /** Of the server that runs now; 0 for one that is not ours. */
  pid: number;
  /** Ends the server at once. `restart` brings it back, empty. */
  stop(): Promise<void>;
  /** Holds the server: it keeps its connections and answers nothing. */
  freeze(): void;
  thaw(): void;
  /** Ends the server where it still runs and starts it again on the same port, empty unless it `keeps`. */
  restart(): Promise<void>;
}

export interface TestRedisOptions {
  /** The test neither stops nor freezes it and keeps to its own key prefix: REDIS_URL may serve. */
  shared?: boolean;
  /** It writes all down (append-only), and has it again after a restart. */
  keeps?: boolean;
  /** More arguments for the server, such as `--requirepass x`. */
  arguments?: string[];
}

// What was answered is with the system then, and outlives the server: while one fsync is under way, which
// takes long on a busy disk, Redis would put off writing.
const writesDown = ["--appendonly", "yes", "--appendfsync", "no"];

/** @throws Error that says what to install, where no server can be found or fetched */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const given = process.env.REDIS_URL;
  if (options.shared && given) return foreignRedis(given);

  const directory = options.keeps ? keptDirectory() : undefined;
  const more = [...(directory ? writesDown : []), ...(options.arguments ?? [])];
  let running = await launchSomewhere(more, directory);
  const { port } = running;
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.pid;
    },
    stop: () => end(running),
    freeze: () => void process.kill(running.pid, "SIGSTOP"),
    thaw: () => void process.kill(running.pid, "SIGCONT"),
    async restart() {
      await end(running);
      running = await launch(port, more, directory);
    },
  };
}

/** A Sentinel on loopback that alone decides about the failover of one Redis. */
export async function startSentinel(
  master: Pick<TestRedis, "port">,
  name: string,
): Promise<Pick<TestRedis, "port" | "stop">> {
  const port = await freePort();
  const config = [
    ...[`port ${port}`, "bind 127.0.0.1"],
    `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
    `sentinel down-after-milliseconds ${name} 2000`,
    `sentinel failover-timeout ${name} 1000`,
  ];
  const directory = mkdtempSync(join(tmpdir(), "kong-llm-sentinel-"));
  const file = join(directory, "sentinel.conf");
  writeFileSync(file, config.join("\n"));
  const running = await spawnServer(directory, port, [await findServer(), file, "--sentinel"]);
  return { port, stop: () => end(running) };
}

function foreignRedis(url: string): TestRedis {
  const notOurs = () => {
    throw new Error("this Redis is REDIS_URL's and not ours to stop: start it without `shared`");
  };
  const port = Number(new URL(url).port || 6379);
  const stop = () => Promise.resolve();
  return { url, port, pid: 0, stop, freeze: notOurs, thaw: notOurs, restart: notOurs };
}

interface Running {
  shell: ChildProcess;
  pid: number;
  port: number;
}

/** Another process may look for a port at the same time: then try the next. */
async function launchSomewhere(more: string[], directory?: string): Promise<Running> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(await freePort(), more, directory);
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

// The server is the child of a shell that waits for its own standard input to end. That happens
// when this process ends, however it ends, so no server is left behind.
const keeper = `
  directory=$1; kept=$2; shift 2
  "$@" --dir "$directory" </dev/null 2>&1 &
  echo "pid $!"
  cat >/dev/null
  kill -9 $! 2>/dev/null
  [ "$kept" = kept ] || rm -rf "$directory"
`;

/** One that goes with this process, and not with a server. */
function keptDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "kong-llm-redis-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function launch(port: number, more: string[], kept?: string): Promise<Running> {
  const server = [
    await findServer(),
    ...["--port", String(port), "--bind", "127.0.0.1"],
    ...["--save", "", "--appendonly", "no", ...more],
  ];
  if (kept) return spawnServer(kept, port, server, "kept");
  return spawnServer(mkdtempSync(join(tmpdir(), "kong-llm-redis-")), port, server);
}

async function spawnServer(
  directory: string,
  port: number,
  server: string[],
  kept: "kept" | "" = "",
): Promise<Running> {
  const shell = spawn("sh", ["-c", keeper, "sh", directory, kept, ...server], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const running: Running = { shell, pid: 0, port };
  const said = await untilReady(shell, (pid) => {
    running.pid = pid;
  });
  if (said === undefined) return running;
  await end(running);
  throw new Error(`the server did not start on port ${port}:\n${said}`);
}

/** Undefined once the server is ready; what it said, where it ends before. */
function untilReady(shell: ChildProcess, learnPid: (pid: number) => void) {
  const said: string[] = [];
  const lines = createInterface({ input: shell.stdout! });
  return new Promise<string | undefined>((resolve) => {
    lines.on("line", (line) => {
      said.push(line);
      if (line.startsWith("pid ")) learnPid(Number(line.slice(4)));
      if (/Ready to accept connections|\+monitor master/.test(line)) resolve(undefined);
      if (/failed listening|fatal|bad directive/i.test(line)) resolve(said.join("\n"));
    });
    lines.on("close", () => resolve(said.join("\n")));
  });
}

async function end({ shell, pid }: Running): Promise<void> {
  if (shell.exitCode !== null || shell.signalCode !== null) return;
  const gone = new Promise((resolve) => shell.once("close", resolve));
  if (pid) process.kill(pid, "SIGKILL");
  shell.stdin!.end();
  await gone;
}
