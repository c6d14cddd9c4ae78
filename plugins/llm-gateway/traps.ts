// Mistakes in the options of llm-gateway are those of its stages.

import { type Mistake, warning, within } from "../../stages/mistake";
import { traps as cache } from "../llm-cache/traps";
import { traps as models } from "../llm-models/traps";
import { traps as rateLimit } from "../llm-rate-limit/traps";
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
    ...ofBoth("models", models(options.models)),
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
