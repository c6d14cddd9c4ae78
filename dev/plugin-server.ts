// Runs our plugin server as a child process, for the demo and the end-to-end tests: from the sources or
// from what is shipped, on sockets of its own, and never longer than its parent.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { PluginDump } from "../stand-in/kong/plugin-configs";

export interface PluginServer {
  /** Of the process that runs now; undefined after `kill`. */
  pid: number | undefined;
  socket: string;
  outcomesSocket: string;
  /** Origin of /healthz, /readyz and /metrics. */
  healthUrl: string;
  /** Ends the process at once, as a crash does. */
  kill(): Promise<void>;
  /** Ends it if it still runs, and starts another on the same sockets. */
  restart(): Promise<void>;
  /** Ends it gracefully and removes its sockets. */
  stop(): Promise<void>;
}

interface PluginServerOptions {
  /** Default: those of this repository. */
  plugins?: string;
  environment?: Record<string, string | undefined>;
  /** Where its log and its usage lines go; a function gets them line by line. */
  output?: "inherit" | "ignore" | ((text: string) => void);
}

const root = resolve(__dirname, "..");
// Ten of them may start at once on a busy machine.
const startSeconds = 100;
const stopSeconds = 12;

export async function startPluginServer(options: PluginServerOptions = {}): Promise<PluginServer> {
  // Sockets must be short (107 bytes), and Kong's workers are unprivileged.
  const directory = mkdtempSync(join(tmpdir(), "kong-llm-"));
  chmodSync(directory, 0o755);
  const socket = join(directory, "rpc.sock");
  const outcomesSocket = join(directory, "outcomes.sock");
  const health = `127.0.0.1:${await freePort()}`;
  const args = [
    ...["serve", "--socket", socket, "--socket-mode", "0666"],
    ...["--outcomes-socket", outcomesSocket, "--health-address", health],
    ...(options.plugins === undefined ? [] : ["--plugins", resolve(options.plugins)]),
  ];

  let child: ChildProcess | undefined;
  const endWithUs = () => {
    child?.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", endWithUs);

  const { output = "ignore" } = options;
  const stdio = typeof output === "string" ? output : "pipe";

  async function start(): Promise<void> {
    child = spawn(process.execPath, kongLlm(args, true), {
      cwd: root,
      env: environmentOf({ ...options.environment, KONG_LLM_CHILD_DIRECTORY: directory }),
      // A group of its own: Ctrl-C reaches us alone, and we end it when Kong has ended.
      detached: true,
      stdio: ["pipe", stdio, stdio],
    });
    if (typeof output === "function") {
      for (const stream of [child.stdout!, child.stderr!]) {
        createInterface(stream).on("line", (line) => output(`${line}\n`));
      }
    }
    await listening(child, socket);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, "exit");
    ending.kill(signal);
    const insist = setTimeout(() => ending.kill("SIGKILL"), stopSeconds * 1000);
    await exited;
    clearTimeout(insist);
  }

  async function stop(): Promise<void> {
    await end("SIGTERM");
    process.off("exit", endWithUs);
    rmSync(directory, { recursive: true, force: true });
  }

  await start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    get pid() {
      return child?.pid;
    },
    socket,
    outcomesSocket,
    healthUrl: `http://${health}`,
    kill: () => end("SIGKILL"),
    async restart() {
      await end("SIGTERM");
      await start();
    },
    stop,
  };
}

const run = promisify(execFile);

/** What `kong-llm schema` prints, one entry for each plugin. */
export async function pluginDumps(plugins?: string): Promise<PluginDump[]> {
  const args = ["schema", ...(plugins === undefined ? [] : ["--plugins", resolve(plugins)])];
  const { stdout } = await run(process.execPath, kongLlm(args), {
    cwd: root,
    env: environmentOf(),
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as PluginDump[];
}

/** Writes what `kong-llm install` writes into a fresh directory, which goes with this process. */
export async function installedLua(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "lua-of-kong-llm-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  // Kong's workers are unprivileged.
  chmodSync(directory, 0o755);
  await run(process.execPath, kongLlm(["install", "--dir", directory]), {
    cwd: root,
    env: environmentOf(),
  });
  return directory;
}

// Below those that systems give to whoever asks for any (Linux from 32768 on, others from 49152 on), also
// with the 10,000 that a Redis adds for its Cluster.
const [firstPort, ports] = [10_000, 10_000] as const;
let taken = randomInt(ports);

/**
 * A TCP port of 127.0.0.1 that nobody listens on now, and that nobody takes by chance before somebody does,
 * or while who listens there is started anew: each process goes through them from a place of its own.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = firstPort + (taken++ % ports);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once("error", () => resolve(false))
      .once("close", () => resolve(true))
      .listen(port, "127.0.0.1", () => server.close());
  });
}

/**
 * Arguments of node that run `kong-llm` with these: of what was built, where a test has built it, as that
 * starts in half the time; else from where this file is.
 */
export function kongLlm(args: string[], isOurs = false): string[] {
  const build = process.env.KONG_LLM_BUILD;
  // ".ts" in the sources, ".js" in what is shipped.
  const extension = build === undefined ? extname(__filename) : ".js";
  const fileOf = (name: string) => join(build ?? root, `${name}${extension}`);
  const loaders = extension === ".ts" ? [require.resolve("tsx")] : [];
  const modules = [...loaders, ...(isOurs ? [fileOf("dev/end-with-parent")] : [])];
  const imports = modules.flatMap((file) => ["--import", pathToFileURL(file).href]);
  return [...imports, fileOf("cli/main"), ...args];
}

function environmentOf(
  added: Record<string, string | undefined> = {},
): Record<string, string | undefined> {
  return { KONG_LLM_LOG_LEVEL: "warn", ...process.env, ...added };
}

/** Settles when the socket takes connections; rejects when the process ends before. */
async function listening(child: ChildProcess, socket: string): Promise<void> {
  const deadline = Date.now() + startSeconds * 1000;
  while (!(await accepts(socket))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the plugin server ended while it started (exit code ${child.exitCode})`);
    }
    if (Date.now() > deadline) {
      throw new Error(`the plugin server did not listen within ${startSeconds} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function accepts(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket, () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}
