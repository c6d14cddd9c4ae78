// Lets a request pass only while every limit has room for it, and tells the client what is left.

import * as metrics from "prom-client";
import { type Answer, type Exchange, refuse } from "../../kong/exchange";
import type { Decided, Stage } from "../../kong/stage";
import { type Counter, openCounter } from "./counter";
import { limitHeaders, retryHeaders, tightest, wholeSeconds } from "./headers";
import { type Identity, identify } from "./identity";
import { type Limit, limitsOf } from "./limit";
import type { LimitState } from "./local-counts";
import type { RateLimitOptions } from "./schema";

interface Prepared {
  options: RateLimitOptions;
  limits: Limit[];
  counter: Counter;
}

const decisions = new metrics.Counter({
  name: "llm_rate_limit_decisions_total",
  help: "Requests by decision: allowed, refused, unlimited (no limit is set), uncounted or unavailable (Redis is down); and by where they were counted",
  labelNames: ["decision", "policy"] as const,
});

export const stage: Stage<RateLimitOptions, Prepared> = {
  name: "rate_limit",
  guards: true,
  prepare: (options) => ({ options, limits: limitsOf(options), counter: openCounter(options) }),
  decide,
};

async function decide(exchange: Exchange, prepared: Prepared): Promise<Decided> {
  const { options, limits, counter } = prepared;
  if (limits.length === 0) return count("unlimited", options.policy);

  const identity = identify(exchange, options.limit_by);
  const takes = limits.map((limit) => ({ limit, amount: 1 }));
  const counted = await counter.take(identity.key, takes);
  if ("uncounted" in counted) {
    if (counted.uncounted === "allow") return count("uncounted", options.policy);
    count("unavailable", options.policy);
    return { answer: unavailable(exchange) };
  }

  if (!options.hide_client_headers) {
    Object.assign(exchange.responseHeaders, limitHeaders(counted.limits));
  }
  if (counted.taken) return count("allowed", counted.policy);
  count("refused", counted.policy);
  return { answer: exceeded(exchange, identity, counted.limits) };
}

function count(decision: string, policy: RateLimitOptions["policy"]): undefined {
  decisions.inc({ decision, policy });
}

function exceeded(exchange: Exchange, { kind }: Identity, limits: LimitState[]): Answer {
  const { limit, waitMs } = tightest(limits);
  const requests = limit.most === 1 ? "1 request" : `${limit.most} requests`;
  const seconds = wholeSeconds(waitMs);
  const wait = seconds === 1 ? "1 second" : `${seconds} seconds`;
  return refuse(
    429,
    {
      message: `The limit of ${requests} per ${limit.window} for this ${kind} is reached; try again in ${wait}.`,
      type: "requests",
      code: "rate_limit_exceeded",
    },
    { ...exchange.responseHeaders, ...retryHeaders(waitMs) },
  );
}

function unavailable(exchange: Exchange): Answer {
  return refuse(
    503,
    {
      message: "The gateway cannot count requests at the moment; try again in a second.",
      type: "server_error",
      code: "gateway_unavailable",
    },
    { ...exchange.responseHeaders, "Retry-After": "1" },
  );
}
