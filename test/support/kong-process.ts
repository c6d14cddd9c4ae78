// A real Kong: the `kong` on PATH, DB-less, in a temporary prefix on free loopback ports, with our
// plugin server beside it. Settings: kong.conf.default and kong/conf_loader 3.9.

import { execFile } from "node:child_process";
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../dev/plugin-server";
import type { PluginDump } from "../../stand-in/kong/plugin-configs";

export interface KongOptions {
  /** YAML as a DB-less Kong loads it. */
  config: string;
  dumps: PluginDump[];
  socket: string;
  /** False: kong.conf names no plugin server. */
  namesSocket?: boolean;
  /** Where `kong-llm install` has written the Lua files; without it our plugins are external ones. */
  lua?: string;
  nextUpstream?: string;
  /** A file of the authorities that Kong trusts upstream. */
  trusted?: string;
  /** What vault references name. */
  environment: Record<string, string>;
}

export interface Kong {
  url: string;
  /** How many processes answer requests, each with plugin instances of its own. */
  workers: number;
  /** What it has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const workers = 2;
const startSeconds = 60;

/** @throws Error that says so, when there is no `kong` on PATH */
export async function startKong(options: KongOptions): Promise<Kong> {
  requireKong();
  // The workers are unprivileged (nobody, or the user kong), so all must be able to read.
  const directory = mkdtempSync(join(tmpdir(), "kong-llm-real-"));
  chmodSync(directory, 0o755);
  const prefix = join(directory, "prefix");
  const port = await freePort();
  const environment = {
    ...inherited(),
    ...options.environment,
    ...(await settings(directory, prefix, port, options)),
  };
  const log = () => textOf(join(prefix, "logs", "error.log"));
  const killLeftOver = () => killByPidFile(prefix);
  process.once("exit", killLeftOver);

  async function stop(): Promise<void> {
    await run("kong", ["stop", "-p", prefix], { env: environment }).catch(() => undefined);
    await ended(prefix);
    process.off("exit", killLeftOver);
    // A worker that is still ending may write a last line.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  try {
    await run("kong", ["start", "-p", prefix], { env: environment, timeout: startSeconds * 1000 });
    await listening(port);
  } catch (error) {
    const tail = log().split("\n").slice(-40).join("\n");
    await stop();
    throw new Error(`kong did not start: ${(error as Error).message}\n${tail}`);
  }
  return { url: `http://127.0.0.1:${port}`, workers, log, stop };
}

function requireKong(): void {
  const found = (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, "kong"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) {
    throw new Error("GATEWAY=kong needs a `kong` 3.9 on PATH, and there is none");
  }
}

async function settings(
  directory: string,
  prefix: string,
  port: number,
  { config, dumps, socket, namesSocket = true, lua, nextUpstream, trusted }: KongOptions,
): Promise<Record<string, string>> {
  const file = join(directory, "kong.yaml");
  await writeFile(file, config, { mode: 0o644 });
  const names = dumps.map(({ Name }) => Name);
  const servers = (namesSocket ? dumps : []).map((dump) => ({
    dump,
    name: dump.Name.replaceAll("-", "_"),
  }));
  const each = await Promise.all(
    servers.map(async ({ dump, name }) => {
      const dumped = join(directory, `${dump.Name}.json`);
      await writeFile(dumped, JSON.stringify([dump]), { mode: 0o644 });
      const variable = `KONG_PLUGINSERVER_${name.toUpperCase()}`;
      return { [`${variable}_SOCKET`]: socket, [`${variable}_QUERY_CMD`]: `cat ${dumped}` };
    }),
  );
  return {
    KONG_PREFIX: prefix,
    KONG_DATABASE: "off",
    KONG_DECLARATIVE_CONFIG: file,
    KONG_PLUGINS: ["bundled", ...(lua ? ["llm-client-key"] : []), ...names].join(","),
    ...(lua && { KONG_LUA_PACKAGE_PATH: `${lua}/?.lua;;` }),
    ...(namesSocket && { KONG_PLUGINSERVER_NAMES: servers.map(({ name }) => name).join(",") }),
    ...Object.assign({}, ...each),
    KONG_PROXY_LISTEN: `127.0.0.1:${port}`,
    KONG_STATUS_LISTEN: `127.0.0.1:${await freePort()}`,
    KONG_ADMIN_LISTEN: "off",
    KONG_ADMIN_GUI_LISTEN: "off",
    KONG_NGINX_WORKER_PROCESSES: String(workers),
    KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE: "1m",
    ...(nextUpstream && { KONG_NGINX_PROXY_PROXY_NEXT_UPSTREAM: nextUpstream }),
    // nginx loads the authorities only where it is to verify (ngx_http_proxy_set_ssl, 1.25).
    ...(trusted && {
      KONG_NGINX_PROXY_PROXY_SSL_VERIFY: "on",
      KONG_NGINX_PROXY_PROXY_SSL_TRUSTED_CERTIFICATE: trusted,
    }),
    KONG_LOG_LEVEL: process.env.KONG_LOG_LEVEL ?? "notice",
    KONG_PROXY_ACCESS_LOG: "off",
    KONG_ANONYMOUS_REPORTS: "off",
  };
}

/** What this Kong may need to run at all, but nothing that vault references name. */
function inherited(): NodeJS.ProcessEnv {
  const { HOLYSHEEP_API_KEY: _key, REDIS_URL: _redis, ...environment } = process.env;
  return environment;
}

async function listening(port: number): Promise<void> {
  const deadline = Date.now() + startSeconds * 1000;
  while (!(await accepts(port))) {
    if (Date.now() > deadline) throw new Error(`it does not listen on port ${port}`);
    await pause();
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Waits for the master process to go; ends it when it does not. */
async function ended(prefix: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (masterOf(prefix) !== undefined && Date.now() < deadline) await pause();
  killByPidFile(prefix);
}

function killByPidFile(prefix: string): void {
  const pid = masterOf(prefix);
  // SIGTERM is nginx's fast shutdown: the master takes its workers along.
  if (pid !== undefined) process.kill(pid, "SIGTERM");
}

function masterOf(prefix: string): number | undefined {
  try {
    const pid = Number(readFileSync(join(prefix, "pids", "nginx.pid"), "utf8"));
    // Of a Kong that did not start the file is empty: 0 would be our own group of processes.
    if (!(pid > 0)) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}
