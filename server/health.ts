// /healthz, /readyz and /metrics over HTTP, on an address of its own: probes and Prometheus must not
// need the unix socket, and Kong's workers must not need HTTP. Beside them the operators' page, if wanted.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { collectDefaultMetrics, register } from "prom-client";
import { version } from "../package.json";
import { log } from "../stages/log";
import { neighbourStates } from "../stages/neighbours";
import { tell } from "./discreet";

export interface HealthAddress {
  host: string;
  /** 0: any free port. */
  port: number;
}

export interface Readiness {
  /** The sockets listen, and the server is not stopping. */
  ready: boolean;
  plugins: string[];
}

export interface HealthServer {
  port: number;
  close(): Promise<void>;
}

/** Answers what is asked below /page. */
export type HealthPage = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

let collecting = false;

function collectNodeMetrics(): void {
  if (collecting) return;
  collecting = true;
  collectDefaultMetrics();
  // Gauges that are named like counters, which promtool refuses; all else of them stays.
  for (const kind of ["handles", "requests", "resources"]) {
    register.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
}

/** Starts the health server; throws when its address is taken. */
export async function serveHealth(
  address: HealthAddress,
  readiness: () => Readiness,
  page?: HealthPage,
): Promise<HealthServer> {
  collectNodeMetrics();
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    const isPage = page !== undefined && (path === "/page" || path?.startsWith("/page/"));
    if (!isPage) request.resume();
    const answered = isPage ? page(request, response) : answer(path, readiness, response);
    answered.catch((error: unknown) => {
      log.error({ error: tell(error), path }, "the health server cannot answer");
      response.destroy();
    });
  });
  await listen(server, address);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  path: string | undefined,
  readiness: () => Readiness,
  response: ServerResponse,
): Promise<void> {
  switch (path) {
    case "/healthz":
      return send(response, 200, "text/plain", "ok\n");
    case "/readyz": {
      const { ready, plugins } = readiness();
      // A neighbour that is down does not make the gateway unready: stages work without it, each in
      // the way that its options say.
      const body = { ready, version, plugins, neighbours: neighbourStates() };
      return send(response, ready ? 200 : 503, "application/json", `${JSON.stringify(body)}\n`);
    }
    case "/metrics":
      return send(response, 200, register.contentType, await register.metrics());
    default:
      return send(response, 404, "text/plain", "there are /healthz, /readyz and /metrics\n");
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "Content-Type": type }).end(body);
}

function listen(server: Server, { host, port }: HealthAddress): Promise<void> {
  return new Promise((listening, failed) => {
    server.once("error", (error) =>
      failed(new Error(`the health address ${host}:${port} cannot be used: ${error.message}`)),
    );
    server.listen(port, host, () => listening());
  });
}
