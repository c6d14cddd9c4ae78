// Which limits a request must fit: those of its consumer's tier in place of the base's, and tighter
// ones for its model.

import { modelGlob } from "../../models/glob";
import type { Consumer } from "../../stages/exchange";
import { membership } from "../../stages/membership";
import { billionths } from "./dollars";
import type { Limit, Measure } from "./limit";
import type { RateLimitOptions } from "./schema";
import { windows } from "./windows";

/** Limits for some models only. */
export interface ModelRule {
  limits: Limit[];
  /** The model that requests go on as when one of these limits has no room; undefined: refuse. */
  fallback?: string;
}

export interface Rules {
  /** Limits of the consumer, whatever the model. */
  base: Limit[];
  /** The first rule for the model, if any. */
  forModel(model: string): ModelRule | undefined;
}

/** Finds the rules for a consumer; undefined where nothing limits anybody. */
export function rulesOf(options: RateLimitOptions): ((consumer?: Consumer) => Rules) | undefined {
  const forModel = modelRules(options.models);
  const base = { base: limitsOf(options), forModel };
  const tiers = options.tiers.map((tier) => ({
    isFor: membership(tier),
    rules: { base: limitsOf(overlaid(options, tier)), forModel },
  }));
  const all = [base, ...tiers.map(({ rules }) => rules)];
  if (options.models.length === 0 && all.every((rules) => rules.base.length === 0))
    return undefined;
  return (consumer) => tiers.find(({ isFor }) => isFor(consumer))?.rules ?? base;
}

type Amounts = Partial<Record<(typeof windows)[number], number>>;
type Amounted = Partial<Record<Exclude<Measure, "concurrency">, Amounts>> & {
  concurrency?: number;
};

const measured = ["requests", "tokens", "input_tokens", "output_tokens", "cost_usd"] as const;

/** The limits of a record of options, by measure, shortest window first. */
export function limitsOf(options: Amounted, model?: string): Limit[] {
  const limits = measured.flatMap((measure) =>
    windows.flatMap((window): Limit[] => {
      const most = options[measure]?.[window];
      if (most === undefined) return [];
      return [{ measure, window, most: measure === "cost_usd" ? billionths(most) : most, model }];
    }),
  );
  const { concurrency } = options;
  if (concurrency === undefined) return limits;
  return [...limits, { measure: "concurrency", window: "lease", most: concurrency }];
}

type Tier = RateLimitOptions["tiers"][number];

/** What a tier says of a measure stands in place of all that the base says of it. */
function overlaid(base: RateLimitOptions, tier: Tier): Amounted {
  const amounts = measured.map((measure) => [
    measure,
    Object.values(tier[measure]).some((most) => most !== undefined) ? tier[measure] : base[measure],
  ]);
  return { ...Object.fromEntries(amounts), concurrency: tier.concurrency ?? base.concurrency };
}

function modelRules(models: RateLimitOptions["models"]): Rules["forModel"] {
  const rules = models.map((options) => ({
    matches: modelGlob(options.match),
    rule: {
      limits: limitsOf(options, options.match),
      fallback: options.on_exceeded === "fallback" ? options.fallback : undefined,
    },
  }));
  return (model) => rules.find(({ matches }) => matches(model))?.rule;
}
