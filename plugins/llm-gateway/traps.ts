// Mistakes in the options of llm-gateway are those of its stages.

import { anyGlob } from "../../models/glob";
import { error, hiddenPrices, type Mistake, warning, within } from "../../stages/mistake";
import { traps as cache } from "../llm-cache/traps";
import { sharesOf, upstreamModels } from "../llm-models/resolve";
import { traps as models } from "../llm-models/traps";
import { traps as privacy } from "../llm-privacy/traps";
import { traps as rateLimit } from "../llm-rate-limit/traps";
import { traps as route } from "../llm-route/traps";
import { traps as upstreamKey } from "../llm-upstream-key/traps";
import { traps as usage } from "../llm-usage/traps";
import type { GatewayOptions } from "./schema";
import { stageOptions } from "./stage-options";
import { tryTraps } from "./try-traps";

export function traps(config: GatewayOptions): Mistake[] {
  const options = stageOptions(config);
  return [
    ...otherDays(config),
    ...tryTraps(config),
    ...restsAlone(config),
    ...nobodyServes(config),
    ...choosesAliases(config),
    ...pricesOfProviders(config),
    ...aboutAliases(config),
    ...within("route", route(options.route)),
    ...ofBoth("models", models(options.models)),
    ...within("privacy", privacy(options.privacy)),
    ...privacyOff(config),
    ...within("rate_limit", rateLimit(options.rate_limit)),
    ...within("cache", cache(options.cache)),
    ...ofBoth("upstream_key", upstreamKey(options.upstream_key)),
    ...within("usage", usage(options.usage)),
  ];
}

/** What a stage says of providers stands beside its record, not in it. */
function ofBoth(record: string, mistakes: Mistake[]): Mistake[] {
  return mistakes.flatMap((one) => (one.path[0] === "providers" ? [one] : within(record, [one])));
}

/** Days of the ledger that are not the days of the budgets: their sums never agree. */
function otherDays({ usage, rate_limit }: GatewayOptions): Mistake[] {
  const { policy, time_zone } = usage.ledger;
  if (policy === "none" || time_zone === rate_limit.time_zone) return [];
  const message = `is ${time_zone} and that of rate_limit ${rate_limit.time_zone}: days of the ledger and of the budgets differ`;
  return [warning(["usage", "ledger", "time_zone"], "other-days", message)];
}

/** Where nodes share which models cool, a key that one of them was refused with is still sent by the others. */
function restsAlone({ models, upstream_key, providers }: GatewayOptions): Mistake[] {
  const haveSeveral = [upstream_key, ...providers].some(({ keys }) => keys.length > 1);
  if (!haveSeveral || models.policy !== "redis" || upstream_key.policy === "redis") return [];
  const message =
    "shares which models cool, but not which keys rest: set upstream_key.policy to redis, too, or the other nodes go on with a key that one of them was refused";
  return [warning(["models", "policy"], "rests-alone", message)];
}

/** The stages that know no providers; llm-models tells it of its own. */
function pricesOfProviders(config: GatewayOptions): Mistake[] {
  const { usage, route, rate_limit } = stageOptions(config);
  return Object.entries({ usage, route, rate_limit }).flatMap(([record, { prices = [] }]) =>
    within(record, hiddenPrices(prices, config.providers)),
  );
}

/** In a dry run the name goes on as it is: something else must serve it. */
function nobodyServes({ route, models }: GatewayOptions): Mistake[] {
  const aliases = anyGlob(models.aliases.map(({ name }) => name));
  return route.choices.flatMap(({ name, dry_run }, index) => {
    if (!dry_run || aliases(name) || models.models.includes(name)) return [];
    const message = `only reports, and "${name}" is neither an alias nor in models: nothing here serves it`;
    return [warning(["route", "choices", index, "dry_run"], "nobody-serves", message)];
  });
}

/** Candidates are models of the upstream: aliases are not followed behind a choice. */
function choosesAliases({ route, models }: GatewayOptions): Mistake[] {
  const served = new Set(models.models);
  const aliases = new Set(
    models.aliases.filter(({ name, target }) => name !== target).map(({ name }) => name),
  );
  return route.choices.flatMap(({ tiers }, choice) =>
    tiers.flatMap(({ candidates }, tier) =>
      candidates.flatMap(({ model }, candidate) => {
        if (!aliases.has(model) || served.has(model)) return [];
        const message = `"${model}" is an alias, and goes upstream as it is: name its model`;
        const path = ["choices", choice, "tiers", tier, "candidates", candidate, "model"];
        return [error(["route", ...path], "choice-of-alias", message)];
      }),
    ),
  );
}

/** Limits and prices are those of the models behind an alias, and never meet its name. */
function aboutAliases(config: GatewayOptions): Mistake[] {
  const { route, models, rate_limit, usage } = config;
  const served = new Set([
    ...upstreamModels(stageOptions(config).models),
    ...route.choices.flatMap(({ tiers }) =>
      tiers.flatMap(({ candidates }) => candidates.map(({ model }) => model)),
    ),
  ]);
  const targets = new Map(
    models.aliases.map((alias) => [alias.name, sharesOf(alias).map(({ model }) => model)]),
  );
  const wrong = (path: PropertyKey[], name: string, what: string): Mistake[] => {
    const behind = targets.get(name);
    if (!behind || served.has(name) || name.includes("*")) return [];
    const message = `"${name}" is an alias, and ${what} are for the models behind it: name ${behind.join(", ")}`;
    return [error(path, "alias-is-no-model", message)];
  };
  const prices = [
    { path: ["usage", "prices"], list: usage.prices },
    { path: ["rate_limit", "prices"], list: rate_limit.prices },
    { path: ["models", "prices"], list: models.prices },
    { path: ["route", "prices"], list: route.prices },
  ].flatMap(({ path, list = [] }) =>
    list.flatMap(({ model }, at) => wrong([...path, at, "model"], model, "prices")),
  );
  const limits = rate_limit.models.flatMap(({ match }, at) =>
    wrong(["rate_limit", "models", at, "match"], match, "limits"),
  );
  return [...limits, ...prices];
}

/** In llm-gateway it is switched off until it is asked for: options of it alone do nothing. */
function privacyOff({ privacy }: GatewayOptions): Mistake[] {
  const { enabled, rules, recognisers, patterns, lists, prompt_rules } = privacy;
  const lengths = [rules, recognisers, patterns, lists, prompt_rules].map(({ length }) => length);
  if (enabled || lengths.every((length) => length === 0)) return [];
  const message = "has rules or recognisers and is not enabled: set enabled to true";
  return [error(["privacy"], "privacy-not-enabled", message)];
}
