// The metrics of ended requests. `gen_ai.client.*` is what we got from providers, `gen_ai.server.*` what
// callers got from us, hits and refusals included. What becomes an attribute is bounded.

import type { Attributes, Meter } from "@opentelemetry/api";
import type { Ended } from "./ended";
import { factsOf } from "./facts";
import {
  attributes,
  firstTokenBuckets,
  metrics,
  ownMetrics,
  secondsBuckets,
  tokenBuckets,
} from "./semantics";

/** @returns what counts one ended request */
export function measureBy(meter: Meter): (ended: Ended) => void {
  const seconds = (name: string, description: string, bounds = secondsBuckets) =>
    meter.createHistogram(name, {
      ...{ description, unit: "s" },
      advice: { explicitBucketBoundaries: bounds },
    });
  const operationDuration = seconds(metrics.operationDuration, "GenAI operation duration.");
  const timeToFirstChunk = seconds(
    metrics.timeToFirstChunk,
    "Time until the first chunk of a stream came from the provider.",
  );
  const requestDuration = seconds(
    metrics.requestDuration,
    "Time from the request to the last byte of its answer, as callers saw it.",
  );
  const timeToFirstToken = seconds(
    metrics.timeToFirstToken,
    "Time until callers got the first byte of a successful stream.",
    firstTokenBuckets,
  );
  const tokenUsage = meter.createHistogram(metrics.tokenUsage, {
    description: "Number of input and output tokens used, as providers stated them.",
    unit: "{token}",
    advice: { explicitBucketBoundaries: tokenBuckets },
  });
  const cost = meter.createCounter(ownMetrics.cost, {
    description: "US dollars that requests cost by the configured prices.",
    unit: "{USD}",
  });
  const saved = meter.createCounter(ownMetrics.saved, {
    description: "US dollars that answers from the cache would have cost upstream.",
    unit: "{USD}",
  });

  return (ended) => {
    const facts = factsOf(ended);
    if (facts.operation === undefined) return;
    const { usage, label, cost_usd, saved_usd } = ended.account;
    const of: Attributes = {
      [attributes.operation]: facts.operation,
      [attributes.provider]: facts.provider,
      [attributes.requestModel]: label,
    };
    const withError = facts.error ? { ...of, [attributes.errorType]: facts.error } : of;
    requestDuration.record(facts.seconds, withError);
    const first = facts.timeToFirstChunk;
    if (first !== undefined) timeToFirstToken.record(first, of);
    if (saved_usd) saved.add(saved_usd, of);
    if (!facts.wentUpstream) return;
    operationDuration.record(facts.seconds, withError);
    if (first !== undefined) timeToFirstChunk.record(first, of);
    if (cost_usd) cost.add(cost_usd, of);
    // The conventions want no estimates here.
    if (!usage || usage.estimated) return;
    const ofType = (type: string) => ({ ...of, [attributes.tokenType]: type });
    if (usage.input_tokens > 0) tokenUsage.record(usage.input_tokens, ofType("input"));
    if (usage.output_tokens > 0) tokenUsage.record(usage.output_tokens, ofType("output"));
  };
}
