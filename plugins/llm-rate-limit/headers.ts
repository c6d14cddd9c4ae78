// What a client is told of its limits, in the three dialects that clients read: Kong's own, the
// IETF's RateLimit draft (draft-ietf-httpapi-ratelimit-headers-07) and OpenAI's.

import type { Measure } from "./limit";
import type { LimitState } from "./local-counts";

/** Above this the official SDKs would sleep for long, or ignore what they are told and retry. */
const mostHelpfulWaitMs = 60_000;

const tokenMeasures: readonly Measure[] = ["tokens", "input_tokens", "output_tokens"];

/**
 * Every window of requests in Kong's headers, the tightest limit of a kind in OpenAI's, that of
 * requests (or else of tokens) in the IETF's.
 */
export function limitHeaders(limits: LimitState[]): Record<string, string> {
  const requests = limits.filter(({ limit }) => limit.measure === "requests");
  const tokens = limits.filter(({ limit }) => tokenMeasures.includes(limit.measure));
  const cost = limits.filter(({ limit }) => limit.measure === "cost_usd");
  return {
    ...windowHeaders(requests),
    ...ietfHeaders(requests.length > 0 ? requests : tokens),
    ...openAiHeaders("requests", requests, String),
    ...openAiHeaders("tokens", tokens, String),
    ...openAiHeaders("cost-usd", cost, usd),
  };
}

// The tighter of two limits of one window: for all models, and for the one at hand.
function windowHeaders(limits: LimitState[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { limit, remaining } of limits) {
    const window = limit.window.charAt(0).toUpperCase() + limit.window.slice(1);
    const told = headers[`X-RateLimit-Remaining-${window}`];
    if (told !== undefined && Number(told) <= remaining) continue;
    headers[`X-RateLimit-Limit-${window}`] = String(limit.most);
    headers[`X-RateLimit-Remaining-${window}`] = String(remaining);
  }
  return headers;
}

function ietfHeaders(limits: LimitState[]): Record<string, string> {
  if (limits.length === 0) return {};
  const { limit, remaining, resetMs } = tightest(limits);
  return {
    "RateLimit-Limit": String(limit.most),
    "RateLimit-Remaining": String(remaining),
    "RateLimit-Reset": String(Math.ceil(resetMs / 1000)),
  };
}

function openAiHeaders(
  kind: string,
  limits: LimitState[],
  show: (amount: number) => string,
): Record<string, string> {
  if (limits.length === 0) return {};
  const { limit, remaining, resetMs } = tightest(limits);
  return {
    [`x-ratelimit-limit-${kind}`]: show(limit.most),
    [`x-ratelimit-remaining-${kind}`]: show(remaining),
    [`x-ratelimit-reset-${kind}`]: duration(resetMs),
  };
}

/** Billionths of a dollar as dollars, as short as it can be said: 0.000123. */
export function usd(amount: number): string {
  const [whole, fraction = ""] = (amount / 1e9).toFixed(9).split(".");
  const digits = fraction.replace(/0+$/, "");
  return digits === "" ? whole! : `${whole}.${digits}`;
}

/**
 * When a refused client may come again. Both official SDKs of OpenAI wait as these say, and give up
 * at once on x-should-retry: false, which is sent where waiting for a minute cannot help.
 */
export function retryHeaders(waitMs: number): Record<string, string> {
  const giveUp: Record<string, string> =
    waitMs > mostHelpfulWaitMs ? { "x-should-retry": "false" } : {};
  if (!Number.isFinite(waitMs)) return giveUp;
  return {
    "Retry-After": String(wholeSeconds(waitMs)),
    "retry-after-ms": String(waitMs),
    ...giveUp,
  };
}

/** Seconds to wait, rounded up, at least 1: on 0 the SDKs retry at once. */
export function wholeSeconds(milliseconds: number): number {
  return Math.max(1, Math.ceil(milliseconds / 1000));
}

/** The limit that a client meets first: the longest wait, then the least that is left. */
export function tightest(limits: LimitState[]): LimitState {
  return limits.reduce((tight, other) => {
    if (other.waitMs !== tight.waitMs) return other.waitMs > tight.waitMs ? other : tight;
    if (other.remaining !== tight.remaining)
      return other.remaining < tight.remaining ? other : tight;
    return other.resetMs > tight.resetMs ? other : tight;
  });
}

/** As Go writes durations and OpenAI its resets: 120ms, 1s, 1.5s, 6m0s, 24h0m0s. */
export function duration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const minutes = Math.floor(milliseconds / 60_000);
  const seconds = `${(milliseconds % 60_000) / 1000}s`;
  if (minutes === 0) return seconds;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${minutes}m${seconds}` : `${hours}h${minutes % 60}m${seconds}`;
}
