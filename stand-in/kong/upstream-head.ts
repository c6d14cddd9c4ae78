// What nginx makes of a request for the upstream: line, headers and body as they are sent, until the
// balancer makes them anew.

import type { Readable } from "node:stream";
import { serverName } from "./downstream";
import type { KongRequest } from "./kong-request";

export type UpstreamBody = Buffer | Readable | undefined;

/** Evaluated once: what Lua changes later is not in it. */
export interface CreatedRequest {
  method: string;
  /** With its query. */
  path: string;
  isTls: boolean;
  /** Name, value, name, value, ... */
  headers: string[];
  body: UpstreamBody;
}

export function createRequest(request: KongRequest, body: UpstreamBody): CreatedRequest {
  return {
    method: request.upstreamMethod,
    path: pathOf(request),
    isTls: request.upstreamScheme === "https",
    headers: headersOf(request, body),
    body,
  };
}

/** The same request with the headers and the body of now; path and scheme stay as they were. */
export function recreateRequest(
  created: CreatedRequest,
  request: KongRequest,
  body: UpstreamBody,
): CreatedRequest {
  return { ...created, headers: headersOf(request, body), body };
}

/** Host for a target, with a port that is not its scheme's own (set_host_header, kong 3.9). */
export function hostHeader(host: string, port: number, scheme: string): string {
  return port === (scheme === "https" ? 443 : 80) ? host : `${host}:${port}`;
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

function headersOf(request: KongRequest, body: UpstreamBody): string[] {
  const { headers } = request;
  const named = (headers.joined("connection") ?? "").toLowerCase().split(/\s*,\s*/);
  const kept = headers
    .entries()
    .filter(([name]) => !notForwarded.has(name.toLowerCase()))
    .filter(([name]) => !named.includes(name.toLowerCase()));
  return [...ownHeaders(request), ...lengthOf(request, body), ...kept].flat();
}

function ownHeaders(request: KongRequest): [string, string][] {
  const { headers, match, clientIp } = request;
  const forwardedFor = headers.joined("x-forwarded-for");
  const via = headers.joined("via");
  const kongVia = `${request.httpVersion} ${serverName}`;
  const prefix = match?.prefix === "/" ? undefined : match?.prefix;
  const lines: [string, string | undefined][] = [
    ["Via", via === undefined ? kongVia : `${via}, ${kongVia}`],
    ["Host", request.upstreamHost],
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

function lengthOf(request: KongRequest, body: UpstreamBody): [string, string][] {
  if (body instanceof Buffer) return [["Content-Length", String(body.length)]];
  if (body === undefined) return [];
  const length = request.headers.get("content-length");
  return length === undefined ? [["Transfer-Encoding", "chunked"]] : [["Content-Length", length]];
}
