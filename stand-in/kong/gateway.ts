// The stand-in for Kong: an HTTP server that loads a DB-less configuration and treats requests as
// Kong 3.9.3 does, with the plugin server over its socket and protocol. For development and tests
// only; it says so in its log and in its Server header.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { log as ourLog } from "../../stages/log";
import { serverName } from "./downstream";
import { KongWorker } from "./kong-worker";
import type { LogLine } from "./lua/host-functions";
import { textOf } from "./lua-value";
import type { PluginDump } from "./plugin-configs";

export interface StandInOptions {
  /** YAML as a DB-less Kong loads it (kong/declarative.ts renders it). */
  config: string;
  /** What `kong-llm schema` prints for each plugin. */
  dumps: PluginDump[];
  /** The plugin server's socket. */
  socket: string;
  /** False: kong.conf names none, so only Lua plugins can be meant. */
  namesSocket?: boolean;
  /** Kong's environment, for vault references. */
  environment: Record<string, string | undefined>;
  /** 0 takes a free one. */
  port: number;
  host?: string;
  /** Kong's client_body_buffer_size; its own default is 8 KB. */
  clientBodyBufferBytes?: number;
  /**
   * Kong's lua_package_path: a directory, or DIR/?.lua;; as Kong takes it. Plugins found there are
   * taken before external ones of the same name.
   */
  luaPackagePath?: string;
  /** The words of nginx's proxy_next_upstream; its own default is error and timeout. */
  proxyNextUpstream?: string[];
  /** nginx's proxy_ssl_trusted_certificate: a file of authorities in place of the well-known ones. */
  trustedCertificate?: string;
}

export interface StandIn {
  url: string;
  port: number;
  /**
   * Starts a new worker, as `kong reload` does: it gets every request from now on. The old one runs
   * its open requests to their end, while ngx.worker.exiting() is true there.
   * @param config another configuration; the same without it
   * @returns when the old worker has ended
   * @throws DeclarativeError when the configuration is not usable; the old worker stays then
   */
  reload(config?: string): Promise<void>;
  /** Ends open connections, and the worker as a reload does. */
  stop(): Promise<void>;
}

const log: LogLine = (level, message, request) => {
  const line = { component: serverName, ...(request && { request_id: request.id }) };
  const known = levels[level] ?? "error";
  ourLog[known](line, textOf(message));
};

const levels: Record<string, "debug" | "info" | "warn" | "error"> = {
  debug: "debug",
  info: "info",
  notice: "info",
  warn: "warn",
};

/**
 * @throws DeclarativeError when the configuration is not usable, as Kong does not start then
 */
export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  let started = 0;
  const start = (config: string) =>
    new KongWorker({ ...options, config }, process.pid + started++, log);
  let { config } = options;
  let worker = start(config);
  const ending = new Set<Promise<void>>();
  const end = (old: KongWorker) => {
    const ended = old.end().finally(() => ending.delete(ended));
    ending.add(ended);
    return ended;
  };

  const host = options.host ?? "127.0.0.1";
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) =>
    worker.serve(incoming, outgoing),
  );
  const port = await listen(server, options.port, host);
  log("notice", `${serverName}: for development and tests only, not a Kong`, undefined);
  return {
    url: `http://${host}:${port}`,
    port,
    async reload(changed) {
      const old = worker;
      worker = start(changed ?? config);
      config = changed ?? config;
      await end(old);
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      end(worker);
      await Promise.all(ending);
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // As many clients may come at once as at a real one with its backlog raised.
    server.listen({ port, host, backlog: 4096 }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}
