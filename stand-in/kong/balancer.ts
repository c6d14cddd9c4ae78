// Tries a request until an answer stands: nginx's rules of proxy_next_upstream for what is tried
// again, and Kong's balancer before each further try (Kong.balancer in kong/init.lua 3.9).

import { lookup } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { BalancerData, Try } from "./balancer-data";
import { Headers } from "./headers";
import type { KongRequest } from "./kong-request";
import { type Address, ask, UpstreamFailure } from "./upstream";
import {
  type CreatedRequest,
  createRequest,
  hostHeader,
  recreateRequest,
  type UpstreamBody,
} from "./upstream-head";

export interface Balancing {
  /** The body as it is now: its bytes, or a stream, which can go out only once. */
  body(): Promise<UpstreamBody>;
  /** The balancer phase: false when there is no further target. */
  nextTry(request: KongRequest): boolean;
  /** The client has gone. */
  gone: AbortSignal;
}

// Statuses that proxy_next_upstream can name.
const repeatable = new Set([403, 404, 429, 500, 502, 503, 504]);
const notIdempotent = new Set(["POST", "PATCH", "LOCK"]);

/**
 * The answer of the last try.
 * @throws UpstreamFailure when that gave none
 */
export async function askUpstream(
  request: KongRequest,
  balancer: BalancerData,
  balancing: Balancing,
): Promise<IncomingMessage> {
  // A Host that was set in access stays for all tries (balancer_data.preserve_host).
  const keepsHost = Boolean(request.upstreamHost);
  const { upstreamScheme: scheme } = request;
  if (!keepsHost) request.upstreamHost = hostHeader(balancer.host, balancer.port, scheme);
  const body = await balancing.body();
  const most = body instanceof Readable ? 1 : balancer.retries + 1;
  let created = createRequest(request, body);
  for (let attempt = 1; ; attempt++) {
    const ip = await resolve(balancer.host, attempt);
    const one: Try = { ip, port: balancer.port, balancer_start: Date.now() };
    balancer.tries.push(one);
    const outcome = await outcomeOf(created, addressOf(request, one), balancer, balancing.gone);
    if (balancing.gone.aborted && outcome instanceof UpstreamFailure) throw outcome;
    const status = statusOf(outcome);
    request.upstreamStatuses.push(status);
    request.upstreamReached.push(reachedBy(outcome));
    // Until the next try is connected its variables hold this one's headers.
    request.upstreamHeaders = headersOf(outcome);
    if (attempt >= most || !isRepeated(request, created, outcome)) {
      if (outcome instanceof UpstreamFailure) throw outcome;
      return outcome;
    }
    if (!(outcome instanceof UpstreamFailure)) outcome.destroy();
    one.state = status === 403 || status === 404 ? "next" : "failed";
    one.code = status;
    created = await nextRequest(created, request, balancer, balancing, keepsHost);
  }
}

/** Lets Kong's balancer choose again. @throws UpstreamFailure when it has no target */
async function nextRequest(
  created: CreatedRequest,
  request: KongRequest,
  balancer: BalancerData,
  { body, nextTry }: Balancing,
  keepsHost: boolean,
): Promise<CreatedRequest> {
  request.recreated = false;
  if (!nextTry(request)) {
    throw new UpstreamFailure(503, "no_target", true, "failure to get a peer from retry handler");
  }
  const host = hostHeader(balancer.host, balancer.port, request.upstreamScheme);
  if (!keepsHost && host !== request.upstreamHost) {
    request.upstreamHost = host;
    request.recreated = true;
  }
  return request.recreated ? recreateRequest(created, request, await body()) : created;
}

function outcomeOf(
  created: CreatedRequest,
  address: Address,
  balancer: BalancerData,
  gone: AbortSignal,
): Promise<IncomingMessage | UpstreamFailure> {
  return ask(created, address, balancer, gone).catch((error: unknown) => {
    if (error instanceof UpstreamFailure) return error;
    throw error;
  });
}

function addressOf(request: KongRequest, { ip, port }: Try): Address {
  const { upstreamHost = "", verifiesTls, settings } = request;
  return {
    ...{ ip, port, name: upstreamHost.replace(/:\d+$/, ""), trusted: settings.trusted },
    // Kong verifies only when told to; a key is at stake here, so the stand-in does unless told not to.
    verifiesTls: verifiesTls ?? true,
  };
}

function statusOf(outcome: IncomingMessage | UpstreamFailure): number {
  if (outcome instanceof UpstreamFailure) return outcome.status;
  return outcome.statusCode ?? 502;
}

function reachedBy(outcome: IncomingMessage | UpstreamFailure) {
  if (!(outcome instanceof UpstreamFailure)) return "answered";
  return outcome.unsent ? "nothing" : "connected";
}

function headersOf(outcome: IncomingMessage | UpstreamFailure): Headers | undefined {
  return outcome instanceof UpstreamFailure ? undefined : Headers.fromRaw(outcome.rawHeaders);
}

function isRepeated(
  { settings: { nextUpstream } }: KongRequest,
  { method }: CreatedRequest,
  outcome: IncomingMessage | UpstreamFailure,
): boolean {
  const failed = outcome instanceof UpstreamFailure;
  const status = statusOf(outcome);
  if (!failed && !repeatable.has(status)) return false;
  if (!nextUpstream.has(failed ? outcome.condition : `http_${status}`)) return false;
  const wasSent = !(failed && outcome.unsent);
  return !wasSent || !notIdempotent.has(method) || nextUpstream.has("non_idempotent");
}

async function resolve(host: string, attempt: number): Promise<string> {
  try {
    return (await lookup(host.replace(/^\[|\]$/g, ""), { verbatim: false })).address;
  } catch (error) {
    const reason = `DNS resolution failed: ${(error as Error).message}`;
    throw attempt === 1
      ? new NameFailure(reason)
      : new UpstreamFailure(503, "no_target", true, reason);
  }
}

/** The first target's name is unknown: Kong answers by itself, before it asks anybody. */
export class NameFailure extends Error {}
