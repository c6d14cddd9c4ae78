// What the page shows, as it is now: asked of those who know it. As JSON it is the answer to ?format=json.

import { register } from "prom-client";
import { version } from "../package.json";
import { knownModels } from "../plugins/llm-models/fallback";
import { type UsedLimit, usedLimits } from "../plugins/llm-rate-limit/used-ratio";
import { openLedgers } from "../plugins/llm-usage/open-ledger";
import { type Cause, causeOf, recentRequests } from "../plugins/llm-usage/recent";
import type { UsageLine } from "../plugins/llm-usage/usage-line";
import { type NeighbourState, neighbourStates } from "../stages/neighbours";
import { sparing } from "./sparing";
import { type Use, useOf } from "./use";

/** A request that has ended: who, what, how. Nothing of what was asked or answered. */
export interface RequestRow {
  time: string;
  request_id: string;
  consumer: string | null;
  endpoint: string;
  model: string | null;
  status: number;
  cause: Cause | null;
  cache: string | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cost_usd: number | null;
  duration_ms: number;
}

export interface Snapshot {
  version: string;
  /** When it was taken and since when this plugin server runs, as ISO 8601 dates in UTC. */
  taken_at: string;
  started_at: string;
  use: Use;
  /** At the last decision of this node, those that are nearly used up first. */
  limits: UsedLimit[];
  /** By their place in the config of a service. */
  keys: { service: string; key: number; rests: boolean }[];
  /** Models that are left alone after failures, and until when. */
  cooling_models: { service: string; model: string; until: string }[];
  neighbours: Record<string, NeighbourState>;
  /** Of this node, in the last 24 hours as far as it has run. */
  errors: { requests: number; failed: { cause: Cause; count: number }[] };
  /** By status: what Kong answered itself, before our stages, since this node started. */
  kong_answers: Record<string, number>;
  requests: RequestRow[];
}

const mostLimits = 100;

/** Takes snapshots. Of what they say only the ledger's part takes long. */
export function snapshots(): () => Promise<Snapshot> {
  const use = sparing(() => useOf(openLedgers(), Date.now()));
  return async () => takeSnapshot(Date.now(), await use());
}

async function takeSnapshot(now: number, use: Use): Promise<Snapshot> {
  const { lines, requests, failed } = recentRequests(now);
  const keys = await samples("llm_upstream_key_up");
  const answers = await samples("llm_kong_answers_total");
  return {
    version,
    taken_at: iso(now),
    started_at: iso(now - process.uptime() * 1000),
    use,
    limits: usedLimits().slice(0, mostLimits),
    keys: keys.map(({ labels: { service, key }, value }) => ({
      ...{ service: `${service}`, key: Number(key), rests: value === 0 },
    })),
    cooling_models: knownModels()
      .filter(({ cools }) => cools)
      .map(({ service, model, until }) => ({ service, model, until: iso(until) })),
    neighbours: neighbourStates(),
    errors: { requests, failed },
    kong_answers: Object.fromEntries(
      answers.map(({ labels: { status }, value }) => [`${status}`, value]),
    ),
    requests: lines.map(rowOf),
  };
}

/** Without tags: those are what clients write. */
function rowOf(line: UsageLine): RequestRow {
  const { time, request_id, consumer, endpoint, model, status, cache } = line;
  const { input_tokens, output_tokens, cost_usd, duration_ms } = line;
  return {
    ...{ time, request_id, consumer, endpoint, model, status, cause: causeOf(line) ?? null, cache },
    ...{ input_tokens, output_tokens, cost_usd, duration_ms },
  };
}

interface Sample {
  labels: Partial<Record<string, string | number>>;
  value: number;
}

async function samples(metric: string): Promise<Sample[]> {
  return (await register.getSingleMetric(metric)?.get())?.values ?? [];
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
