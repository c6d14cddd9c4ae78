// Names that must be known elsewhere in a configuration: models that have a price, fallbacks among the
// models. What one plugin's options tell alone is its own traps.ts.

import { catalogue } from "../../models/catalogue";
import { modelGlob } from "../../models/glob";
import { type PluginEntry, stageOptions } from "../configuration";
import { error, type Finding, warning } from "../finding";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import type { Trap } from "./trap";

const unknownFallback: Trap = ({ plugins }) =>
  plugins.flatMap((entry) => {
    const known = knownModels(entry, plugins);
    return aliasesOf(entry)
      .flatMap((alias) => alias.get("fallbacks")?.items() ?? [])
      .flatMap((at) => unknownModel(at, known, withoutProvider(entry)));
  });

const limitFallback: Trap = ({ plugins }) => {
  const known = plugins.flatMap((entry) => knownModels(entry, plugins));
  if (known.length === 0) return [];
  const named = (list: string, member: string) =>
    plugins
      .flatMap((entry) => stageOptions(entry, "rate_limit")?.get(list)?.items() ?? [])
      .map((rule) => rule.get(member));
  return [...named("models", "fallback"), ...named("on_share", "model")].flatMap((at) =>
    unknownModel(at, known),
  );
};

function unknownModel(
  at: Located | undefined,
  known: string[],
  plain: (name: string) => string = (name) => name,
): Finding[] {
  if (!at?.text) return [];
  const name = plain(at.text);
  // A provider's models may be patterns; one for all says nothing of a name.
  if (known.map(plain).some((one) => one !== "*" && modelGlob(one)(name))) return [];
  const meant = didYouMean(at.text, known) || ": is it spelt as the upstream spells it?";
  const message = `"${at.text}" is no target, and not in models or prices${meant}`;
  return [warning(at, "unknown-fallback", message)];
}

/** Every model of the upstream that is named anywhere beside the fallbacks. */
function knownModels(entry: PluginEntry, plugins: PluginEntry[]): string[] {
  const options = stageOptions(entry, "models");
  if (!options) return [];
  const priced = pricesBeside(entry, plugins).map((price) => price.get("model"));
  return [
    ...aliasesOf(entry).flatMap(servedBy),
    ...(options.get("models")?.items() ?? []),
    ...providersOf(entry).flatMap((provider) => provider.get("models")?.items() ?? []),
    ...priced.filter((at) => !at?.text?.includes("*")),
  ].flatMap((at) => at?.text ?? []);
}

/** Takes the provider away that stands before a model's name. */
function withoutProvider(entry: PluginEntry): (name: string) => string {
  const names = providersOf(entry).flatMap((provider) => provider.get("name")?.text ?? []);
  return (name) => {
    const slash = name.indexOf("/");
    return names.includes(name.slice(0, Math.max(0, slash))) ? name.slice(slash + 1) : name;
  };
}

function providersOf({ config }: PluginEntry): Located[] {
  return config?.get("providers")?.items() ?? [];
}

function aliasesOf(entry: PluginEntry): Located[] {
  return stageOptions(entry, "models")?.get("aliases")?.items() ?? [];
}

/** The places of an alias where models of the upstream are named that serve it. */
function servedBy(alias: Located): (Located | undefined)[] {
  const shared = (alias.get("targets")?.items() ?? []).map((one) => one.get("model"));
  return [alias.get("target"), ...shared];
}

/** What llm-usage has as prices; in llm-gateway its own record of that stage. */
function pricesBeside(entry: PluginEntry, plugins: PluginEntry[]): Located[] {
  return chainedWith(entry, plugins).flatMap(
    (one) => stageOptions(one, "usage")?.get("prices")?.items() ?? [],
  );
}

function chainedWith(entry: PluginEntry, plugins: PluginEntry[]): PluginEntry[] {
  return entry.name === "llm-gateway" ? [entry] : plugins;
}

/** Requests for a model without a price are refused, or pass for nothing: neither is a budget. */
const unpriced: Trap = ({ plugins }) =>
  plugins.flatMap((entry): Finding[] => {
    const limits = stageOptions(entry, "rate_limit");
    const at = limits && firstBudget(limits);
    if (!at) return [];
    const isPriced = pricedBy(entry, limits, plugins);
    const models = chainedWith(entry, plugins).flatMap((one) =>
      aliasesOf(one).flatMap(modelsOfChain).map(withoutProvider(one)),
    );
    const missing = [...new Set(models)].filter((model) => !isPriced(model));
    if (missing.length === 0) return [];
    const pass = limits.get("unpriced_models")?.text === "allow";
    return [
      error(
        at,
        "unpriced",
        `dollars are limited, but neither prices nor the catalogue have anything for ${missing.join(", ")}: its requests ${pass ? "pass for nothing" : "are refused"}`,
      ),
    ];
  });

/** Nobody can say that a model without a price is cheaper. */
const unpricedMove: Trap = ({ plugins }) =>
  plugins.flatMap((entry): Finding[] => {
    const limits = stageOptions(entry, "rate_limit");
    if (!limits) return [];
    const isPriced = pricedBy(entry, limits, plugins);
    return (limits.get("on_share")?.items() ?? [])
      .flatMap((one) => one.get("model") ?? [])
      .filter(({ text }) => text !== undefined && !isPriced(text))
      .map((at) =>
        error(
          at,
          "unpriced-move",
          `has no price, in prices or the catalogue: no request is moved to ${at.text}`,
        ),
      );
  });

/** Whether a price is known of a model; of all where it may stand in a file that is not seen from here. */
function pricedBy(
  entry: PluginEntry,
  limits: Located,
  plugins: PluginEntry[],
): (model: string) => boolean {
  const written = writtenOnPrices(entry, limits, plugins);
  if (written("catalogue_file")) return () => true;
  const prices = written("prices")?.items() ?? [];
  const matches = prices.flatMap((price) => price.get("model")?.text ?? []).map(modelGlob);
  return (model) => matches.some((one) => one(model)) || catalogue().find(model) !== undefined;
}

/** The first amount of dollars in the base, the tiers, the levels and the rules for models. */
function firstBudget(limits: Located): Located | undefined {
  const listed = ["tiers", "levels", "models"].flatMap((name) => limits.get(name)?.items() ?? []);
  return [limits, ...listed]
    .flatMap((scope) => scope.get("cost_usd")?.members() ?? [])
    .map(([, amount]) => amount)
    .find(({ value }) => typeof value === "number");
}

/** What is said of prices, where this limiter looks for it. */
function writtenOnPrices(entry: PluginEntry, limits: Located, plugins: PluginEntry[]) {
  return (option: string): Located | undefined =>
    limits.get(option) ??
    chainedWith(entry, plugins)
      .map((one) => stageOptions(one, "usage")?.get(option))
      .find((one) => one);
}

function modelsOfChain(alias: Located): string[] {
  const fallbacks = alias.get("fallbacks")?.items() ?? [];
  return [...servedBy(alias), ...fallbacks].flatMap((at) => at?.text ?? []);
}

export const nameTraps = [unknownFallback, limitFallback, unpriced, unpricedMove];
