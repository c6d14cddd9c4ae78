// What a client is told of its limits, in the three dialects that clients read: Kong's own, the
// IETF's RateLimit draft (draft-ietf-httpapi-ratelimit-headers-07) and OpenAI's.

import type { ToldLimits } from "../../families/family";
import type { LimitState } from "./counts";
import { usd } from "./dollars";
import type { Measure } from "./limit";
import { windows } from "./windows";

/** Above this the official SDKs would sleep for long, or ignore what they are told and retry. */
const mostHelpfulWaitMs = 60_000;

const tokenMeasures: readonly Measure[] = ["tokens", "input_tokens", "output_tokens"];

type Headers = Record<string, string>;

/**
 * Every window of requests in Kong's headers, the tightest limit of a kind in OpenAI's, that of
 * requests (or else of tokens) in the IETF's.
 */
export function limitHeaders(limits: LimitState[]): Headers {
  const requests = limits.filter(({ limit }) => limit.measure === "requests");
  const tokens = limits.filter(({ limit }) => tokenMeasures.includes(limit.measure));
  const cost = limits.filter(({ limit }) => limit.measure === "cost_usd");
  const headers: Headers = {};
  addWindows(headers, requests);
  addIetf(headers, requests.length > 0 ? requests : tokens);
  addOpenAi(headers, openAiNames.requests, requests, String);
  addOpenAi(headers, openAiNames.tokens, tokens, String);
  addOpenAi(headers, openAiNames.cost, cost, usd);
  return headers;
}

const toldMeasures = {
  requests: "requests",
  tokens: "tokens",
  "input-tokens": "input_tokens",
  "output-tokens": "output_tokens",
} as const satisfies Record<keyof ToldLimits, Measure>;

/** The tightest limit of each kind that APIs have headers of their own for. */
export function toldLimits(limits: LimitState[]): ToldLimits {
  const told: ToldLimits = {};
  for (const [kind, measure] of Object.entries(toldMeasures)) {
    const ofKind = limits.filter(({ limit }) => limit.measure === measure);
    if (ofKind.length === 0) continue;
    const { limit, remaining, resetMs } = tightest(ofKind);
    told[kind as keyof ToldLimits] = { limit: limit.most, remaining, resetMs };
  }
  return told;
}

// Made once: names put together for each request would cost more than all else here.
const windowNames = new Map<string, { limit: string; remaining: string }>(
  windows.map((window) => {
    const label = window.charAt(0).toUpperCase() + window.slice(1);
    const names = {
      limit: `X-RateLimit-Limit-${label}`,
      remaining: `X-RateLimit-Remaining-${label}`,
    };
    return [window, names];
  }),
);

const openAiNames = {
  requests: openAiNamesOf("requests"),
  tokens: openAiNamesOf("tokens"),
  cost: openAiNamesOf("cost-usd"),
};

function openAiNamesOf(kind: string) {
  return {
    limit: `x-ratelimit-limit-${kind}`,
    remaining: `x-ratelimit-remaining-${kind}`,
    reset: `x-ratelimit-reset-${kind}`,
  };
}

// The tighter of two limits of one window: for all models, and for the one at hand.
function addWindows(headers: Headers, limits: LimitState[]): void {
  for (const { limit, remaining } of limits) {
    const names = windowNames.get(limit.window)!;
    const told = headers[names.remaining];
    if (told !== undefined && Number(told) <= remaining) continue;
    headers[names.limit] = String(limit.most);
    headers[names.remaining] = String(remaining);
  }
}

function addIetf(headers: Headers, limits: LimitState[]): void {
  if (limits.length === 0) return;
  const { limit, remaining, resetMs } = tightest(limits);
  headers["RateLimit-Limit"] = String(limit.most);
  headers["RateLimit-Remaining"] = String(remaining);
  headers["RateLimit-Reset"] = String(Math.ceil(resetMs / 1000));
}

function addOpenAi(
  headers: Headers,
  names: ReturnType<typeof openAiNamesOf>,
  limits: LimitState[],
  show: (amount: number) => string,
): void {
  if (limits.length === 0) return;
  const { limit, remaining, resetMs } = tightest(limits);
  headers[names.limit] = show(limit.most);
  headers[names.remaining] = show(remaining);
  headers[names.reset] = duration(resetMs);
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
