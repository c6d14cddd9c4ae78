// What Kong knows about one request while it passes: nginx's request and response, and Kong's
// context. The PDK reads and changes it, the runloop moves it through its phases.

import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { BalancerData } from "./balancer-data";
import type { Consumer, Credential, Route, Service } from "./config";
import { Headers } from "./headers";
import type { Reference, RunTables } from "./lua/run";
import type { ConfiguredPlugin } from "./plugin-configs";
import { RequestBody } from "./request-body";
import type { Match } from "./router";

export type Phase = "access" | "balancer" | "header_filter" | "body_filter" | "log" | "error";

/** The settings of Kong and nginx that one request meets. */
export interface Settings {
  /** A longer body is in a file, which kong.request.get_raw_body reads only when it is told to. */
  clientBodyBufferBytes: number;
  /** nginx's proxy_next_upstream: error, timeout, http_429, non_idempotent, ... */
  nextUpstream: ReadonlySet<string>;
  /** The authorities that are trusted upstream, as PEM. */
  trusted?: string;
}

interface Exited {
  status: number;
  body: string | undefined;
  headers: Record<string, string | string[]>;
}

export class KongRequest {
  /** $kong_request_id, the one the client sees. */
  readonly id = randomBytes(16).toString("hex");
  /** $request_id, another one. */
  readonly nginxId = randomBytes(16).toString("hex");
  /** Milliseconds since the epoch. */
  readonly startedAt = Date.now();
  phase: Phase = "access";

  readonly method: string;
  /** Path and query as the client sent them. */
  readonly uri: string;
  readonly httpVersion: string;
  readonly clientIp: string;
  readonly clientPort: number;
  readonly serverPort: number;
  /** What the client sent; plugins change it, and what is left goes upstream. */
  readonly headers: Headers;
  readonly body: RequestBody;
  /** The query without its question mark; undefined where there is none. */
  args: string | undefined;

  match: Match | undefined;
  consumer: Consumer | undefined;
  credential: Credential | undefined;
  /** The plugins that take part, in order, as the access phase found them. */
  plugins: ConfiguredPlugin[] | undefined;

  /** What goes upstream: set by the router, changed by plugins. */
  upstreamUri = "/";
  upstreamHost: string | undefined;
  upstreamScheme = "http";
  upstreamMethod: string;
  /** Where it goes; undefined before a service is found. */
  balancer: BalancerData | undefined;
  /** kong.service.set_target_retry_callback, called before each further try. */
  retryCallback: Reference | undefined;
  /** ngx.balancer.recreate_request has been called for the next try. */
  recreated = false;
  /** Whether the upstream's certificate is checked, where a plugin has said so. */
  verifiesTls: boolean | undefined;
  /** The status of each try, and how far it came. */
  readonly upstreamStatuses: number[] = [];
  readonly upstreamReached: ("nothing" | "connected" | "answered")[] = [];
  upstreamHeaders: Headers | undefined;

  status = 200;
  readonly responseHeaders = new Headers();
  headersSent = false;
  /** The chunk that body_filter works on: ngx.arg[1] and ngx.arg[2]. */
  chunk: string | undefined;
  last = false;

  /** An answer that a plugin gave, until it is sent. */
  answer: Exited | undefined;
  exited = false;
  proxied = false;
  unexpected = false;
  /** The client went away before its answer had ended. */
  clientLeft = false;

  /** Milliseconds since the epoch. */
  accessEndedAt: number | undefined;
  headerAt: number | undefined;

  readonly tables: RunTables = {};

  constructor(
    incoming: IncomingMessage,
    readonly scheme: string,
    readonly settings: Settings,
  ) {
    this.method = incoming.method ?? "GET";
    this.upstreamMethod = this.method;
    this.uri = incoming.url ?? "/";
    this.httpVersion = incoming.httpVersion;
    this.clientIp = plainIp(incoming.socket.remoteAddress);
    this.clientPort = incoming.socket.remotePort ?? 0;
    this.serverPort = incoming.socket.localPort ?? 0;
    this.headers = Headers.fromRaw(incoming.rawHeaders);
    this.body = new RequestBody(incoming);
    const question = this.uri.indexOf("?");
    this.args = question < 0 ? undefined : this.uri.slice(question + 1);
  }

  /** Bytes of its line, headers and announced body, as nginx's $request_length. */
  get received(): number {
    const { method, uri, httpVersion, headers } = this;
    const line = `${method} ${uri} HTTP/${httpVersion}`.length + 2;
    const lines = headers.entries().map(([name, value]) => name.length + value.length + 4);
    const body = Number(headers.get("content-length") ?? 0);
    return lines.reduce((sum, length) => sum + length, line + 2 + body);
  }

  get route(): Route | undefined {
    return this.match?.route;
  }

  get service(): Service | undefined {
    return this.match?.service;
  }

  /** Host without its port, in lower case, as nginx's $host. */
  get host(): string {
    const host = this.headers.get("host") ?? "";
    return host.replace(/:\d+$/, "").toLowerCase();
  }

  /** Path as the client sent it, without the query. */
  get rawPath(): string {
    const question = this.uri.indexOf("?", 1);
    return question < 0 ? this.uri : this.uri.slice(0, question);
  }

  /** kong.response.get_source, read in kong/pdk/response.lua 3.9. */
  get source(): "error" | "exit" | "service" {
    if (this.unexpected) return "error";
    if (this.exited) return "exit";
    return this.proxied ? "service" : "error";
  }
}

function plainIp(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:/, "");
}
