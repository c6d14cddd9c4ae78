// One request to the upstream: its headers as nginx sets them, tries on connections that fail, and
// the timeouts of the service.

import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import type { Service } from "./config";
import { serverName } from "./downstream";
import type { KongRequest } from "./kong-request";

/** The upstream gave no answer: 502, or 504 when it took too long. */
export class UpstreamFailure extends Error {
  constructor(
    readonly status: 502 | 504,
    /** Nothing was sent: the request may go out again, whatever its method. */
    readonly unsent: boolean,
    reason: string,
  ) {
    super(reason);
  }
}

// Requests that nginx sends again after they may have reached the upstream.
const idempotent = new Set(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"]);

/**
 * Sends the request, as often as the service's retries allow.
 * @param body its bytes; or a stream, which can go out only once
 * @throws UpstreamFailure
 */
export async function askUpstream(
  request: KongRequest,
  service: Service,
  body: Buffer | Readable | undefined,
  gone: AbortSignal,
): Promise<IncomingMessage> {
  const tries = body instanceof Buffer || body === undefined ? service.retries + 1 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask(request, service, body, gone);
    } catch (error) {
      if (!(error instanceof UpstreamFailure) || attempt >= tries || gone.aborted) throw error;
      if (!error.unsent && !idempotent.has(request.upstreamMethod)) throw error;
    }
  }
}

function ask(
  request: KongRequest,
  service: Service,
  body: Buffer | Readable | undefined,
  gone: AbortSignal,
): Promise<IncomingMessage> {
  const isTls = request.upstreamScheme === "https";
  return new Promise((resolve, reject) => {
    const outgoing = (isTls ? httpsRequest : httpRequest)({
      host: service.host,
      port: service.port,
      method: request.upstreamMethod,
      path: pathOf(request),
      headers: headersOf(request, service, body) as never,
      agent: false,
      setHost: false,
      signal: gone,
      // Kong verifies only when told to; a key is at stake here, so the stand-in verifies always.
      ...(isTls && { servername: hostName(request, service) }),
    });
    watch(outgoing, service, isTls, reject);
    outgoing.on("response", resolve);
    if (body instanceof Readable) body.pipe(outgoing);
    else outgoing.end(body);
  });
}

function watch(
  outgoing: ClientRequest,
  service: Service,
  isTls: boolean,
  fail: (error: UpstreamFailure) => void,
): void {
  let connected = false;
  const connecting = setTimeout(() => {
    outgoing.destroy();
    fail(new UpstreamFailure(504, true, "the connection took too long"));
  }, service.connect_timeout);
  outgoing.on("socket", (socket) => {
    socket.once(isTls ? "secureConnect" : "connect", () => {
      connected = true;
      clearTimeout(connecting);
      socket.setTimeout(service.read_timeout);
    });
    socket.once("timeout", () => {
      const failure = new UpstreamFailure(504, false, "the answer took too long");
      outgoing.destroy(failure);
      fail(failure);
    });
  });
  outgoing.on("error", (error) => {
    clearTimeout(connecting);
    fail(new UpstreamFailure(502, !connected, error.message));
  });
}

function pathOf({ upstreamUri, args, uri }: KongRequest): string {
  const isEmptyQuery = args === "" && uri.endsWith("?");
  return args || isEmptyQuery ? `${upstreamUri}?${args}` : upstreamUri;
}

// nginx writes these itself, or takes them for hop-by-hop.
const notForwarded = new Set([
  "host",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "expect",
  "upgrade",
  "te",
  "via",
  "proxy",
  "proxy-connection",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-path",
  "x-forwarded-prefix",
  "x-real-ip",
  "x-kong-request-id",
]);

function headersOf(
  request: KongRequest,
  service: Service,
  body: Buffer | Readable | undefined,
): string[] {
  const { headers } = request;
  const named = (headers.joined("connection") ?? "").toLowerCase().split(/\s*,\s*/);
  const kept = headers
    .entries()
    .filter(([name]) => !notForwarded.has(name.toLowerCase()))
    .filter(([name]) => !named.includes(name.toLowerCase()));
  return [...ownHeaders(request, service), ...lengthOf(request, body), ...kept].flat();
}

function ownHeaders(request: KongRequest, service: Service): [string, string][] {
  const { headers, match, clientIp } = request;
  const forwardedFor = headers.joined("x-forwarded-for");
  const via = headers.joined("via");
  const kongVia = `${request.httpVersion} ${serverName}`;
  const prefix = match?.prefix === "/" ? undefined : match?.prefix;
  const lines: [string, string | undefined][] = [
    ["Via", via === undefined ? kongVia : `${via}, ${kongVia}`],
    ["Host", request.upstreamHost ?? defaultHost(service)],
    ["Connection", "keep-alive"],
    ["X-Forwarded-For", forwardedFor === undefined ? clientIp : `${forwardedFor}, ${clientIp}`],
    ["X-Forwarded-Proto", request.scheme],
    ["X-Forwarded-Host", request.host],
    ["X-Forwarded-Port", String(request.serverPort)],
    ["X-Forwarded-Path", request.rawPath],
    ["X-Forwarded-Prefix", prefix],
    ["X-Real-IP", clientIp],
    ["X-Kong-Request-Id", request.id],
  ];
  return lines.filter((line): line is [string, string] => line[1] !== undefined && line[1] !== "");
}

function lengthOf(request: KongRequest, body: Buffer | Readable | undefined): [string, string][] {
  if (body instanceof Buffer) return [["Content-Length", String(body.length)]];
  if (body === undefined) return [];
  const length = request.headers.get("content-length");
  return length === undefined ? [["Transfer-Encoding", "chunked"]] : [["Content-Length", length]];
}

function defaultHost({ protocol, host, port }: Service): string {
  return port === (protocol === "https" ? 443 : 80) ? host : `${host}:${port}`;
}

function hostName(request: KongRequest, service: Service): string {
  return (request.upstreamHost ?? service.host).replace(/:\d+$/, "");
}
