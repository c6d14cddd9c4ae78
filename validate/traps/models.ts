// Names of models: those that can never be reached, and those that nobody knows.

import { modelGlob } from "../../models/glob";
import type { PluginEntry } from "../configuration";
import { type Configuration, stageOptions } from "../configuration";
import { error, type Finding, warning } from "../finding";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import type { Trap } from "./trap";

/** What the options of llm-models say about names. */
interface Names {
  aliases: Located[];
  targets: string[];
  /** Every model of the upstream that is named anywhere beside the fallbacks. */
  known: string[];
  options: Located;
}

const shadowedAlias: Trap = (configuration) =>
  namesOf(configuration).flatMap(({ aliases }) => shadowed(aliases, "name", "shadowed-alias"));

/** The first match wins, for aliases, prices and rules alike. */
export function shadowed(list: Located[], member: string, rule: string): Finding[] {
  return list.flatMap((item, index): Finding[] => {
    const at = item.get(member);
    const earlier = list
      .slice(0, index)
      .map((one) => one.get(member)?.text)
      .find((pattern) => pattern !== undefined && at?.text && modelGlob(pattern)(at.text));
    if (!at || earlier === undefined) return [];
    const why =
      earlier === at.text
        ? `"${earlier}" stands here twice, and the first wins`
        : `is never reached: "${earlier}" before it matches too`;
    return [error(at, rule, why)];
  });
}

/** Aliases are followed once. */
const chainedAlias: Trap = (configuration) =>
  namesOf(configuration).flatMap(({ aliases }) => {
    const names = new Set(aliases.flatMap((alias) => alias.get("name")?.text ?? []));
    return aliases.flatMap((alias) =>
      modelsOf(alias)
        .filter((at) => names.has(at.text!) && at.text !== alias.get("name")?.text)
        .map((at) =>
          error(
            at,
            "chained-alias",
            `"${at.text}" is an alias itself, and goes upstream as it is: name its model`,
          ),
        ),
    );
  });

const unknownFallback: Trap = (configuration) =>
  namesOf(configuration).flatMap(({ aliases, known }) =>
    aliases.flatMap((alias) =>
      (alias.get("fallbacks")?.items() ?? [])
        .filter(({ text }) => text !== undefined && !known.includes(text))
        .map((at) => warning(at, "unknown-fallback", unknown(at.text!, known))),
    ),
  );

const limitFallback: Trap = (configuration) =>
  configuration.plugins.flatMap((entry) => {
    const rules = stageOptions(entry, "rate_limit")?.get("models")?.items() ?? [];
    const known = namesOf(configuration).flatMap((names) => names.known);
    if (known.length === 0) return [];
    return rules.flatMap((rule): Finding[] => {
      const at = rule.get("fallback");
      if (!at?.text || known.includes(at.text)) return [];
      return [warning(at, "unknown-fallback", unknown(at.text, known))];
    });
  });

function unknown(name: string, known: string[]): string {
  return `"${name}" is no target, and not in models or prices${didYouMean(name, known) || ": is it spelt as the upstream spells it?"}`;
}

const ownFallback: Trap = (configuration) =>
  namesOf(configuration).flatMap(({ aliases }) =>
    aliases.flatMap((alias) => {
      const target = alias.get("target")?.text;
      return (alias.get("fallbacks")?.items() ?? [])
        .filter(({ text }) => text !== undefined && text === target)
        .map((at) => error(at, "own-fallback", `"${target}" cannot take over from itself`));
    }),
  );

/** With unknown_models: reject every request is a 404 when no name is known. */
const nothingKnown: Trap = (configuration) =>
  namesOf(configuration).flatMap(({ aliases, options }): Finding[] => {
    const at = options.get("unknown_models");
    const models = options.get("models")?.items() ?? [];
    if (at?.text !== "reject" || aliases.length > 0 || models.length > 0) return [];
    return [error(at, "nothing-known", "every model is unknown: name some in aliases or models")];
  });

const unreachableRule: Trap = (configuration) =>
  namesOf(configuration).flatMap(({ options }) => {
    const rules = options.get("access")?.items() ?? [];
    const forAll = rules.findIndex((rule) => isEmpty(rule, "consumers") && isEmpty(rule, "tags"));
    return rules
      .slice(forAll < 0 ? rules.length : forAll + 1)
      .map((at) =>
        error(
          at,
          "unreachable-rule",
          `is never reached: access[${forAll}] before it is for everybody`,
        ),
      );
  });

/** Rules and tiers that name consumers whom this configuration does not have. */
const unknownConsumer: Trap = (configuration) => {
  const names = configuration.consumers.flatMap((consumer) =>
    ["username", "custom_id"].flatMap((name) => consumer.get(name)?.text ?? []),
  );
  if (names.length === 0 || configuration.kind !== "declarative") return [];
  const rules = configuration.plugins.flatMap((entry) => [
    ...(stageOptions(entry, "models")?.get("access")?.items() ?? []),
    ...(stageOptions(entry, "rate_limit")?.get("tiers")?.items() ?? []),
  ]);
  return rules
    .flatMap((rule) => rule.get("consumers")?.items() ?? [])
    .filter(({ text }) => text !== undefined && !text.includes("*") && !names.includes(text))
    .map((at) =>
      warning(
        at,
        "unknown-consumer",
        `no consumer here is called "${at.text}"${didYouMean(at.text!, names)}`,
      ),
    );
};

const defaultAboveLimit: Trap = (configuration) =>
  namesOf(configuration).flatMap(({ options }): Finding[] => {
    const limit = options.get("max_tokens_limit")?.value;
    const at = options.get("defaults")?.get("max_tokens");
    if (typeof limit !== "number" || limit === 0 || typeof at?.value !== "number") return [];
    if (at.value <= limit) return [];
    return [
      warning(at, "default-above-limit", `is lowered to max_tokens_limit, which is ${limit}`),
    ];
  });

function namesOf({ plugins }: Configuration): Names[] {
  return plugins.flatMap((entry) => {
    const options = stageOptions(entry, "models");
    return options ? [namesIn(options, entry, plugins)] : [];
  });
}

function namesIn(options: Located, entry: PluginEntry, plugins: PluginEntry[]): Names {
  const aliases = options.get("aliases")?.items() ?? [];
  const targets = aliases.flatMap(modelsOf).flatMap(({ text }) => text ?? []);
  const usage = entry.name === "llm-gateway" ? [entry] : plugins;
  const prices = usage.flatMap((one) => stageOptions(one, "usage")?.get("prices")?.items() ?? []);
  const listed = options.get("models")?.items() ?? [];
  const priced = prices.map((price) => price.get("model")).filter((at) => !at?.text?.includes("*"));
  const known = [...targets, ...[...listed, ...priced].flatMap((at) => at?.text ?? [])];
  return { aliases, targets, known, options };
}

/** The places of an alias where models of the upstream are named that serve it. */
function modelsOf(alias: Located): Located[] {
  const shared = (alias.get("targets")?.items() ?? []).flatMap((one) => one.get("model") ?? []);
  return [alias.get("target"), ...shared].filter((at) => at?.text !== undefined) as Located[];
}

function isEmpty(rule: Located, list: string): boolean {
  return (rule.get(list)?.items() ?? []).length === 0;
}

export const modelTraps = [
  shadowedAlias,
  chainedAlias,
  unknownFallback,
  limitFallback,
  ownFallback,
  nothingKnown,
  unreachableRule,
  unknownConsumer,
  defaultAboveLimit,
];
