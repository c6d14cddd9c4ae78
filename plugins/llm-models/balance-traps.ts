// Mistakes in how aliases balance their targets: where there is nothing to balance, or nothing to do it by.

import { pricesOver } from "../../models/catalogue";
import { type Mistake, warning } from "../../stages/mistake";
import { providersOf } from "./providers";
import type { ModelsOptions } from "./schema";

type Alias = ModelsOptions["aliases"][number];

export function balanceTraps(options: ModelsOptions): Mistake[] {
  return options.aliases.flatMap((alias, index) => {
    if (alias.balance === "weight") return [];
    const { targets, balance } = alias;
    const path = ["aliases", index, "balance"];
    if (targets.filter(({ weight }) => weight > 0).length < 2) {
      const message = `has nothing to choose from: name several targets with a weight`;
      return [warning(path, "balance-of-one", message)];
    }
    return balance === "least_cost" ? pricesOf(alias, ["aliases", index], options) : [];
  });
}

/** A catalogue of the operator's own is on the plugin server's disk: what it says is not known here. */
function pricesOf(
  { targets }: Alias,
  path: PropertyKey[],
  { prices = [], catalogue_file, providers }: ModelsOptions,
): Mistake[] {
  if (catalogue_file !== undefined) return [];
  const { locate, bare } = providersOf(providers);
  const priceOf = pricesOver(prices);
  const priced = targets.map(({ model }) => {
    const { provider } = locate(model, "openai") ?? locate(model, "anthropic") ?? {};
    return priceOf(bare(model), provider?.provider);
  });
  if (priced.every((price) => price === undefined)) {
    const message = "no target has a price, so weights decide: name them in prices";
    return [warning([...path, "balance"], "balance-without-prices", message)];
  }
  const unpriced = targets.flatMap(({ model }, place): Mistake[] => {
    if (priced[place]) return [];
    const message = `"${model}" has no price: it is asked last; name it in prices`;
    return [warning([...path, "targets", place, "model"], "unpriced-target", message)];
  });
  if (new Set(priced).size > 1) return unpriced;
  const message =
    "all targets have one price, so weights decide: say in prices what a provider's own are, as in `name/model`";
  return [warning([...path, "balance"], "balance-of-equals", message)];
}
