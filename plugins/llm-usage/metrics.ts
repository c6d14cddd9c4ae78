// The Prometheus metrics of requests, on prom-client's default registry, that /metrics shows. Every
// label is bounded: by the API, by Kong, or by what the operator has configured.

import { Counter, Histogram } from "prom-client";
import type { Usage } from "../../models/usage";
import type { Outcome } from "../../stages/outcome";
import { statusLabel } from "../../stages/status-label";
import { UsdCounter } from "../../stages/usd-counter";
import type { Account } from "./account";

// From a cached prompt's first token to a long answer of a slow model.
const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300];

const requests = new Counter({
  name: "llm_requests_total",
  help: "Requests that ended, by the status the client got and who answered: service (the upstream), error (Kong, because the upstream failed), exit (Kong or another plugin), cache or gateway (a refusal of ours)",
  labelNames: ["model", "status", "endpoint", "source"] as const,
});

const consumerRequests = new Counter({
  name: "llm_consumer_requests_total",
  help: "The same requests by who asked and how they ended: served; limited (a 429 of ours); refused (another 4xx of the gateway, Kong or the upstream); failed (5xx, or a 429 of the upstream); left (the client did not wait)",
  labelNames: ["consumer", "result"] as const,
});

const duration = new Histogram({
  name: "llm_request_duration_seconds",
  help: "Time from the request to the last byte of its answer, of requests that went upstream",
  labelNames: ["model"] as const,
  buckets: seconds,
});

const timeToFirstToken = new Histogram({
  name: "llm_time_to_first_token_seconds",
  help: "Time from the request to the first byte of a successful streamed answer of the upstream",
  labelNames: ["model"] as const,
  buckets: seconds,
});

const tokens = new Counter({
  name: "llm_tokens_total",
  help: "Tokens that the upstream counted, or our estimate where it did not: input, output, and the parts of them that were cached_input and reasoning",
  labelNames: ["model", "type"] as const,
});

const cost = new UsdCounter({
  name: "llm_cost_usd_total",
  help: "US dollars that requests cost by the configured prices",
  labelNames: ["model", "consumer"] as const,
});

const consumerTokens = new Counter({
  name: "llm_consumer_tokens_total",
  help: "The same tokens by who used them: input and output",
  labelNames: ["consumer", "type"] as const,
});

const estimated = new Counter({
  name: "llm_usage_estimated_total",
  help: "Answers whose tokens we estimated, because the upstream did not say or was cut before",
  labelNames: ["model"] as const,
});

const saved = new UsdCounter({
  name: "llm_cache_saved_usd_total",
  help: "US dollars that answers from the cache would have cost upstream by the configured prices",
  labelNames: ["model"] as const,
});

const cut = new Counter({
  name: "llm_answers_cut_total",
  help: "Answers that did not come to their end, by who cut them: client or upstream",
  labelNames: ["model", "by"] as const,
});

const failedTries = new Counter({
  name: "llm_failed_tries_total",
  help: "Tries at an upstream after which Kong sent the request to another one, by the status that ended them; 0: its name is unknown",
  labelNames: ["model", "provider", "status"] as const,
});

const cacheRequests = new Counter({
  name: "llm_cache_requests_total",
  help: "Requests by what the cache did: hit, miss, bypass or refresh",
  labelNames: ["status"] as const,
});

/** Counts one ended request. */
export function count(outcome: Outcome, account: Account): void {
  const { ticket, status, source } = outcome;
  const { label: model, usage, cost_usd, saved_usd } = account;
  requests.inc({ model, status: statusLabel(status), endpoint: ticket.endpoint, source });
  const consumer = ticket.consumer ?? "anonymous";
  consumerRequests.inc({ consumer, result: resultOf(outcome) });
  if (ticket.cache) cacheRequests.inc({ status: ticket.cache.toLowerCase() });
  observeTimes(outcome, model);
  if (outcome.cut_by) cut.inc({ model, by: outcome.cut_by });
  countFailedTries(outcome);
  if (usage) countUsage(usage, model, consumer);
  if (cost_usd) cost.incUsd({ model, consumer }, cost_usd);
  if (saved_usd) saved.incUsd({ model }, saved_usd);
}

function resultOf({ status, source, cut_by }: Outcome): string {
  if (status === 499 || cut_by === "client") return "left";
  if (cut_by === "upstream" || status >= 500) return "failed";
  if (status === 429) return source === "gateway" ? "limited" : "failed";
  return status >= 400 ? "refused" : "served";
}

function countFailedTries({ ticket, first_try, failed_tries = [] }: Outcome): void {
  for (const { try: at, status = 0 } of failed_tries) {
    const { label, provider = "" } = (at === 0 ? first_try : ticket.tries?.[at - 1]) ?? {};
    failedTries.inc({
      model: label ?? "other",
      provider,
      status: status ? statusLabel(status) : "0",
    });
  }
}

function countUsage(usage: Usage, model: string, consumer: string): void {
  const { input_tokens, output_tokens } = usage;
  countTokens(model, "input", input_tokens);
  countTokens(model, "output", output_tokens);
  countTokens(model, "cached_input", usage.cached_input_tokens);
  countTokens(model, "reasoning", usage.reasoning_tokens);
  if (input_tokens > 0) consumerTokens.inc({ consumer, type: "input" }, input_tokens);
  if (output_tokens > 0) consumerTokens.inc({ consumer, type: "output" }, output_tokens);
  if (usage.estimated) estimated.inc({ model });
}

function observeTimes(outcome: Outcome, model: string): void {
  const { ticket, status, source, started_at, first_byte_at, ended_at } = outcome;
  if (source !== "service" && source !== "error") return;
  duration.observe({ model }, secondsBetween(started_at, ended_at));
  if (ticket.stream && source === "service" && status === 200) {
    timeToFirstToken.observe({ model }, secondsBetween(started_at, first_byte_at));
  }
}

// A label without a token to count would only make an empty series.
function countTokens(model: string, type: string, amount: number): void {
  if (amount > 0) tokens.inc({ model, type }, amount);
}

function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
