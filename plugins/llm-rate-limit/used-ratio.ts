// Tells how much of their limits consumers, teams and all together have used, as gauges: who is near a
// budget is to be known before the first refusal. Only names that an operator gives: addresses, headers
// and end users would be labels without bound.

import { LRUCache } from "lru-cache";
import { Gauge } from "prom-client";
import { catalogue } from "../../models/catalogue";
import type { LimitState } from "./counts";
import { usd } from "./dollars";
import { type Identity, isShared } from "./identity";

interface Used<Labels> {
  labels: Labels;
  ratio: number;
  /** Requests, tokens, or billionths of a dollar. */
  most: number;
  used: number;
  /** Milliseconds since the epoch when all of it is free again. */
  until: number;
}

interface OfConsumer {
  consumer: string;
  measure: string;
  window: string;
  model: string;
}

interface OfLevel {
  level: string;
  name: string;
  measure: string;
  window: string;
}

// Those who asked last.
const ofConsumers = new LRUCache<string, Used<OfConsumer>>({ max: 2000 });
const ofLevels = new LRUCache<string, Used<OfLevel>>({ max: 2000 });

new Gauge({
  name: "llm_rate_limit_used_ratio",
  help: "Share of a limit that its consumer had used up at the last decision on this node, from 0 to 1, until all of it is free again; model is the glob of a limit for some models, else *",
  labelNames: ["consumer", "measure", "window", "model"] as const,
  collect() {
    this.reset();
    for (const { labels, ratio } of running(ofConsumers)) this.set(labels, ratio);
  },
});

new Gauge({
  name: "llm_rate_limit_level_used_ratio",
  help: "The same of limits that several share: of everybody, a team, a model or a provider, by its name",
  labelNames: ["level", "name", "measure", "window"] as const,
  collect() {
    this.reset();
    for (const { labels, ratio } of running(ofLevels)) this.set(labels, ratio);
  },
});

function running<Labels extends object>(used: LRUCache<string, Used<Labels>>): Used<Labels>[] {
  for (const [key, { until }] of [...used]) if (until <= Date.now()) used.delete(key);
  return [...used.values()];
}

/**
 * Shows what a decision has seen of the limits of who asked, and of those that it shares.
 * @param label of the model, where it has a configured name; a model that nobody has named is not shown,
 * as clients ask for whatever they like
 */
export function showUsed(
  identity: Identity,
  consumer: string,
  limits: LimitState[],
  label?: string,
): void {
  for (const state of limits) {
    const { limit, who = identity } = state;
    const { measure, window, model = "*" } = limit;
    // Places of requests under way come and go within milliseconds.
    if (window === "lease") continue;
    if (who.kind === "consumer") {
      const labels = { consumer, measure, window, model };
      ofConsumers.set(`${consumer}\n${measure}\n${window}\n${model}`, usedOf(state, labels));
    } else if (isShared(who.kind)) {
      const name = decodeURIComponent(who.key.split(":")[1] ?? "*");
      if (who.kind === "model" && !isNamed(name, label)) continue;
      const labels = { level: who.kind, name, measure, window };
      ofLevels.set(`${who.key}\n${measure}\n${window}`, usedOf(state, labels));
    }
  }
}

let catalogued: Set<string> | undefined;

function isNamed(model: string, label: string | undefined): boolean {
  if (label !== undefined && label !== "other") return true;
  catalogued ??= new Set(catalogue().names);
  return catalogued.has(model);
}

function usedOf<Labels>({ limit, remaining, resetMs }: LimitState, labels: Labels): Used<Labels> {
  const { most } = limit;
  const used = most - remaining;
  return { labels, ratio: used / most, most, used, until: Date.now() + resetMs };
}

/** A limit and how much of it was used up at the last decision on this node. */
export interface UsedLimit {
  /** As in `levels`; `consumer` for a limit of one. */
  of: string;
  name: string;
  measure: string;
  window: string;
  /** The glob of a limit for some models, else *. */
  model: string;
  /** From 0 to 1. */
  ratio: number;
  /** Requests, tokens, or US dollars. */
  limit: number;
  used: number;
  /** Milliseconds since the epoch when all of it is free again. */
  free_at: number;
}

/** All limits that are shown as gauges, those that are nearly used up first. */
export function usedLimits(): UsedLimit[] {
  const shown = (amount: number, measure: string) =>
    measure === "cost_usd" ? Number(usd(amount)) : amount;
  const rows = [
    ...running(ofConsumers).map(({ labels: { consumer, ...labels }, ...used }) => ({
      ...{ of: "consumer", name: consumer, ...labels, ...used },
    })),
    ...running(ofLevels).map(({ labels: { level, ...labels }, ...used }) => ({
      ...{ of: level, ...labels, model: "*", ...used },
    })),
  ];
  return rows
    .map(({ most, used, until, ...row }) => ({
      ...row,
      limit: shown(most, row.measure),
      used: shown(used, row.measure),
      free_at: until,
    }))
    .sort((one, other) => other.ratio - one.ratio);
}
