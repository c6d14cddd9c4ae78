// Who and what the rules of options are for: consumers, tags, teams and models that nobody here is, and
// patterns that are written as regular expressions.

import { modelGlob } from "../../models/glob";
import { type Configuration, type PluginEntry, stageOptions } from "../configuration";
import { type Finding, warning } from "../finding";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import type { Trap } from "./trap";

/** Rules that name consumers whom this configuration does not have. */
const unknownConsumer: Trap = (configuration) => {
  const names = configuration.consumers.flatMap((consumer) =>
    ["username", "custom_id"].flatMap((name) => consumer.get(name)?.text ?? []),
  );
  if (names.length === 0 || configuration.kind !== "declarative") return [];
  return [...listed(configuration, "consumers"), ...namesOfLevel(configuration, "consumer")]
    .filter((at) => matchesNone(at, names) && !at.text!.includes("*"))
    .map((at) => {
      const message = `no consumer here is called "${at.text}"${didYouMean(at.text!, names)}`;
      return warning(at, "unknown-consumer", message);
    });
};

/**
 * Tags that are nearly one of those that consumers here have; others may be those of consumers to come.
 * decK gives its select_tags to all that it makes.
 */
const unknownTag: Trap = (configuration) => {
  const { kind, consumers, roots } = configuration;
  if (kind !== "declarative" || consumers.length === 0) return [];
  const given = [
    ...consumers.map((one) => one.get("tags")),
    ...roots.map((root) => root.find(["_info", "select_tags"])),
  ];
  const tags = given.flatMap((list) => (list?.items() ?? []).flatMap(({ text }) => text ?? []));
  return [...listed(configuration, "tags"), ...namesOfLevel(configuration, "team")]
    .filter((at) => matchesNone(at, tags))
    .flatMap((at) => {
      const meant = didYouMean(at.text!, tags);
      const message = `no consumer here has the tag "${at.text}"${meant}`;
      return meant === "" ? [] : [warning(at, "unknown-tag", message)];
    });
};

/** Lists of that name in options of ours. */
function listed({ plugins }: Configuration, name: string): Located[] {
  const stages = ["models", "rate_limit", "privacy"] as const;
  return plugins
    .flatMap((entry) => stages.flatMap((stage) => stageOptions(entry, stage) ?? []))
    .flatMap((options) => ["access", "tiers", "rules", "prompt_rules"].map((at) => options.get(at)))
    .flatMap((rules) => (rules?.items() ?? []).flatMap((rule) => rule.get(name)?.items() ?? []));
}

function namesOfLevel({ plugins }: Configuration, kind: string): Located[] {
  return plugins
    .flatMap((entry) => stageOptions(entry, "rate_limit")?.get("levels")?.items() ?? [])
    .filter((level) => level.get("by")?.text === kind)
    .flatMap((level) => level.get("names")?.items() ?? []);
}

function matchesNone({ text, isVariable }: Located, names: string[]): boolean {
  return text !== undefined && !isVariable && !names.some(modelGlob(text));
}

/** With unknown_models: reject all names are known that a client may ask for. */
const unknownAccess: Trap = ({ plugins }) =>
  plugins.flatMap((entry) => {
    const options = stageOptions(entry, "models");
    const isOpen = options?.get("unknown_models")?.text !== "reject";
    // Names of providers stand before those of models, and a provider may serve all.
    if (!options || isOpen || entry.config?.get("providers")) return [];
    const names = askable(entry, options);
    const rules = options.get("access")?.items() ?? [];
    return rules
      .flatMap((rule) => ["allow", "deny"].flatMap((name) => rule.get(name)?.items() ?? []))
      .filter(({ text }) => text !== undefined && !names.some((name) => mayMeet(name, text)))
      .map((at) => {
        const message = `"${at.text}" matches no alias and no model here, and others are refused${didYouMean(at.text!, names)}`;
        return warning(at, "matches-nothing", message);
      });
  });

function askable(entry: PluginEntry, options: Located): string[] {
  const aliases = options.get("aliases")?.items() ?? [];
  const choices = stageOptions(entry, "route")?.get("choices")?.items() ?? [];
  return [
    ...[...aliases, ...choices].map((one) => one.get("name")),
    ...aliases.map((one) => one.get("target")),
    ...aliases.flatMap((one) => one.get("targets")?.items() ?? []).map((one) => one.get("model")),
    ...aliases.flatMap((one) => one.get("fallbacks")?.items() ?? []),
    ...(options.get("models")?.items() ?? []),
  ].flatMap((at) => at?.text ?? []);
}

/** Whether some name matches both patterns, as far as their beginnings tell. */
function mayMeet(one: string, other: string): boolean {
  const [begins, starts] = [one, other].map((pattern) => pattern.toLowerCase().split("*")[0]!);
  if (!one.includes("*")) return modelGlob(other.toLowerCase())(one.toLowerCase());
  return begins!.startsWith(starts!) || starts!.startsWith(begins!);
}

const written = /^\^|\$$|\\|\.\+|\(.*\|.*\)|\?|^\.\*$/;

const regularExpression: Trap = ({ plugins }) =>
  plugins
    .flatMap(patternsIn)
    .filter(({ text, isVariable }) => !isVariable && written.test(text ?? ""))
    .map((at): Finding => {
      const message = "is no regular expression: `*` stands for any text, all else for itself";
      return warning(at, "no-pattern", message);
    });

function patternsIn(entry: PluginEntry): Located[] {
  const models = stageOptions(entry, "models");
  const limits = stageOptions(entry, "rate_limit");
  const items = (list: Located | undefined, ...names: string[]) =>
    (list?.items() ?? []).flatMap((item) => names.flatMap((name) => item.get(name) ?? []));
  const lists = [
    ...items(models?.get("access"), "consumers", "tags", "allow", "deny"),
    ...items(limits?.get("tiers"), "consumers", "tags"),
    ...items(limits?.get("levels"), "names"),
  ];
  return [
    ...lists.flatMap((list) => list.items()),
    ...items(models?.get("aliases"), "name"),
    ...items(models?.get("model_rules"), "model"),
    ...items(limits?.get("models"), "match"),
    ...items(limits?.get("prices"), "model"),
    ...items(stageOptions(entry, "usage")?.get("prices"), "model"),
  ];
}

export const patternTraps = [unknownConsumer, unknownTag, unknownAccess, regularExpression];
