// Limits that limit nothing, money that nobody can count, caches that keep nothing.

import { modelGlob } from "../../models/glob";
import { defaultPrices } from "../../models/price-options";
import { type PluginEntry, stageOptions } from "../configuration";
import { error, type Finding, warning } from "../finding";
import type { Located } from "../located";
import { shadowed } from "./models";
import type { Trap } from "./trap";

const windows = ["second", "minute", "hour", "day", "month"];
const measures = ["requests", "tokens", "input_tokens", "output_tokens", "cost_usd"];

/** Requests for a model without a price are refused, or pass for nothing: neither is a budget. */
const unpriced: Trap = ({ plugins }) =>
  plugins.flatMap((entry): Finding[] => {
    const limits = stageOptions(entry, "rate_limit");
    const at = limits && scopesOf(limits).flatMap((scope) => setWindows(scope, "cost_usd"))[0];
    if (!at) return [];
    const matches = pricesOf(entry, limits, plugins).map(modelGlob);
    const missing = [...new Set(targetsOf(entry, plugins))].filter(
      (model) => !matches.some((one) => one(model)),
    );
    if (missing.length === 0) return [];
    const pass = limits.get("unpriced_models")?.text === "allow";
    const models = missing.join(", ");
    return [
      error(
        at,
        "unpriced",
        `dollars are limited, but prices have nothing for ${models}: its requests ${pass ? "pass for nothing" : "are refused"}`,
      ),
    ];
  });

/** The model patterns that have a price, where this limiter looks for them. */
function pricesOf(entry: PluginEntry, limits: Located, plugins: PluginEntry[]): string[] {
  const usage = entry.name === "llm-gateway" ? [entry] : plugins;
  const written =
    limits.get("prices") ??
    usage.map((one) => stageOptions(one, "usage")?.get("prices")).find((one) => one);
  if (!written) return defaultPrices.map(({ model }) => model);
  return written.items().flatMap((price) => price.get("model")?.text ?? []);
}

function targetsOf(entry: PluginEntry, plugins: PluginEntry[]): string[] {
  const models = entry.name === "llm-gateway" ? [entry] : plugins;
  return models
    .flatMap((one) => stageOptions(one, "models")?.get("aliases")?.items() ?? [])
    .flatMap((alias) => [
      alias.get("target"),
      ...(alias.get("targets")?.items() ?? []).map((one) => one.get("model")),
      ...(alias.get("fallbacks")?.items() ?? []),
    ])
    .flatMap((at) => at?.text ?? []);
}

/** A month that allows less than a day. */
const widerIsTighter: Trap = ({ plugins }) =>
  plugins
    .flatMap((entry) => stageOptions(entry, "rate_limit") ?? [])
    .flatMap(scopesOf)
    .flatMap((scope) =>
      measures.flatMap((measure) => {
        const set = setWindows(scope, measure);
        return set.slice(1).flatMap((wide, index): Finding[] => {
          const narrow = set[index]!;
          if (Number(wide.value) >= Number(narrow.value)) return [];
          return [
            warning(
              narrow,
              "never-reached",
              `${narrow.value} is never reached: ${last(wide)} allows only ${wide.value}`,
            ),
          ];
        });
      }),
    );

const limitsNothing: Trap = ({ plugins }) =>
  plugins.flatMap((entry): Finding[] => {
    const limits = stageOptions(entry, "rate_limit");
    if (!limits) return [];
    const limited = scopesOf(limits).some(
      (scope) =>
        scope.get("concurrency") || measures.some((one) => scope.get(one)?.members().length),
    );
    if (limited) return [];
    return [
      warning(limits, "limits-nothing", "sets no limit: give it requests, tokens or cost_usd"),
    ];
  });

const shadowedLimit: Trap = ({ plugins }) =>
  plugins.flatMap((entry) => [
    ...shadowed(
      stageOptions(entry, "rate_limit")?.get("models")?.items() ?? [],
      "match",
      "shadowed-limit",
    ),
    ...["usage", "rate_limit"].flatMap((stage) =>
      shadowed(
        stageOptions(entry, stage as "usage")
          ?.get("prices")
          ?.items() ?? [],
        "model",
        "shadowed-price",
      ),
    ),
  ]);

/** policy: redis without one works in the memory of each node, which is not what was meant. */
const redisMissing: Trap = ({ plugins }) =>
  plugins
    .flatMap((entry) =>
      (["models", "rate_limit", "cache"] as const).flatMap(
        (stage) => stageOptions(entry, stage) ?? [],
      ),
    )
    .filter((options) => options.get("policy")?.text === "redis")
    .filter((options) => !["url", "host"].some((name) => options.get("redis")?.get(name)?.text))
    .map((options) =>
      error(options.get("policy")!, "redis-missing", "names no Redis: set redis.url or redis.host"),
    );

const cacheTooSmall: Trap = ({ plugins }) =>
  plugins.flatMap((entry): Finding[] => {
    const cache = stageOptions(entry, "cache");
    const at = cache?.get("max_entry_bytes");
    const most = cache?.get("local_max_bytes")?.value ?? 67_108_864;
    if (typeof at?.value !== "number" || at.value <= Number(most)) return [];
    return [error(at, "cache-too-small", `is more than local_max_bytes, which is ${most}`)];
  });

/** The base, the tiers and the rules for models: whatever carries limits. */
function scopesOf(limits: Located): Located[] {
  const listed = ["tiers", "models"].flatMap((name) => limits.get(name)?.items() ?? []);
  return [limits, ...listed];
}

/** The windows that are set for a measure, the shortest first. */
function setWindows(scope: Located, measure: string): Located[] {
  const amounts = scope.get(measure);
  return windows
    .flatMap((window) => amounts?.get(window) ?? [])
    .filter(({ value }) => typeof value === "number");
}

function last({ field }: Located): string {
  return field.slice(field.lastIndexOf(".") + 1);
}

export const limitTraps = [
  unpriced,
  widerIsTighter,
  limitsNothing,
  shadowedLimit,
  redisMissing,
  cacheTooSmall,
];
