// The options of llm-rate-limit: the only source for Kong's schema, the README table and the types.

import { IANAZone } from "luxon";
import { z } from "zod";
import { pricesOver } from "../../models/catalogue";
import type { ModelPrice } from "../../models/price";
import { catalogueFileOption, modelPrices } from "../../models/price-options";
import { redisOptions } from "../../redis/options";
import {
  costUsd,
  count,
  inputTokens,
  level,
  modelLimits,
  outputTokens,
  requests,
  tier,
  tokens,
} from "./limit-options";
import { notice, onShare } from "./soft-limit-options";

interface Priced {
  cost_usd: object;
  tiers: { cost_usd: object }[];
  levels: { cost_usd: object }[];
  models: { match: string; fallback: string; cost_usd: object }[];
  prices?: ModelPrice[];
  catalogue_file?: string;
  unpriced_models: string;
}

/** Models that the options name, whose cost is limited and not known. */
function unpricedNames(options: Priced): string[] {
  const { cost_usd, tiers, levels, models, prices, catalogue_file, unpriced_models } = options;
  const budgets = [cost_usd, ...[...tiers, ...levels, ...models].map((one) => one.cost_usd)];
  const isLimited = budgets.some((budget) => Object.keys(budget).length > 0);
  if (!isLimited || !prices || catalogue_file || unpriced_models === "allow") return [];
  const priceOf = pricesOver(prices);
  const names = models.flatMap(({ match, fallback }) => [match, fallback]);
  return names.filter((name) => name !== "" && !name.includes("*") && !priceOf(name));
}

export const rateLimitOptions = z
  .object({
    requests: requests(
      "How many requests one may make. A request must fit all limits of this config, or it takes nothing from any.",
    ),
    tokens: tokens("How many tokens one may use, input and output together."),
    input_tokens: inputTokens("How many tokens one may send."),
    output_tokens: outputTokens("How many tokens one may get."),
    cost_usd: costUsd("How many US dollars one may spend, by `prices`."),
    concurrency: count()
      .optional()
      .describe("Most requests under way at a time; without it there is no such limit."),
    tiers: z
      .array(tier)
      .default([])
      .describe(
        "Other limits for some consumers; the first tier that matches wins. What it says of requests (tokens, ...) stands in place of all that is said of them above.",
      ),
    models: z
      .array(modelLimits)
      .default([])
      .describe(
        "Limits for some models beside those above, for each consumer; the first match wins. They are told by the model that serves, not by its alias.",
      ),
    levels: z
      .array(level)
      .default([])
      .describe(
        "Limits of others than `limit_by` that the same request must fit too, as for everybody, its team and its end user: it takes from all of them, or from none.",
      ),
    notices: z
      .array(notice)
      .max(10)
      .default([])
      .describe(
        "Who is told, by a webhook, when shares of a limit are used: once for each limit, window and share, over all nodes where they count in Redis.",
      ),
    on_share: z
      .array(onShare)
      .max(20)
      .default([])
      .describe(
        "From which share of a budget of dollars, of whichever level, requests are served by a cheaper model: of the entries whose share is reached the one with the largest that fits the request.",
      ),
    tag_prefix: z
      .string()
      .min(1)
      .max(100)
      .default("team-")
      .describe(
        "Of `levels` by team: tags of a consumer that begin with this text name its teams.",
      ),
    end_user_header: z
      .string()
      .max(100)
      .regex(/^[A-Za-z0-9-]*$/, "must be the name of a header")
      .default("")
      .describe(
        "Of `levels` by end_user: a header in which apps name their user, before the members `safety_identifier`, `user` and `metadata.user_id` of the body. Requests that name none have no such limits.",
      ),
    time_zone: z
      .string()
      .max(100)
      .default("UTC")
      .refine(
        (zone) => IANAZone.isValidZone(zone),
        "must be the name of a time zone, as in Asia/Seoul",
      )
      .describe("Where days and months begin at midnight, as in `Asia/Seoul`."),
    month_day: z
      .int()
      .min(1)
      .max(31)
      .default(1)
      .describe(
        "Day on which a month of the limits begins, as bills do; a shorter month begins on its last day.",
      ),
    limit_by: z
      .enum(["consumer", "credential", "ip", "header", "route", "service"])
      .default("consumer")
      .describe(
        "Who shares a limit: requests of the same consumer, credential, client address, value of a header, route or service. A request that has none is counted by its client address.",
      ),
    header_name: z
      .string()
      .max(100)
      .regex(/^[A-Za-z0-9-]*$/, "must be the name of a header")
      .default("")
      .describe("The header of limit_by `header`. Clients can write what they like into it."),
    default_output_tokens: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(2048)
      .describe(
        "Tokens that are reserved for an answer where the request bounds it by no max_tokens of any name.",
      ),
    hard_cap: z
      .boolean()
      .default(false)
      .describe(
        "Lower max_tokens of a request to what is left, or refuse it, and reserve a token for each byte of its text until it has ended, so that no limit of tokens or dollars is passed.",
      ),
    prices: modelPrices
      .optional()
      .describe(
        "What models cost, for `cost_usd`, in place of the catalogue of models; the first match wins. Without them, in llm-gateway, those of its `usage`.",
      ),
    catalogue_file: catalogueFileOption,
    unpriced_models: z
      .enum(["refuse", "allow"])
      .default("refuse")
      .describe(
        "What happens to a model without a price where `cost_usd` limits: `refuse` answers 400, `allow` lets it pass for nothing.",
      ),
    policy: z
      .enum(["local", "redis"])
      .default("local")
      .describe(
        "Where it is counted: `local` in the plugin server's memory, each node for itself, `redis` in a Redis for all nodes together.",
      ),
    redis: redisOptions
      .prefault({})
      .describe(
        "Where the Redis of policy `redis` is; without one the requests are counted locally.",
      ),
    on_redis_failure: z
      .enum(["local", "allow", "refuse"])
      .default("local")
      .describe(
        "While Redis does not answer: `local` limits with the counts of this node, `allow` lets every request pass, `refuse` answers 503.",
      ),
    namespace: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[^{}]*$/, "must not hold braces: they choose the slot of a key in Redis")
      .default("default")
      .describe(
        "Configs with the same namespace count together, on whichever route they are; another name counts apart.",
      ),
    lease_seconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(600)
      .describe(
        "Seconds after which a request no longer counts for `concurrency` though nobody has told its end, as when a node died: more than any request takes.",
      ),
    dry_run: z
      .boolean()
      .default(false)
      .describe(
        "Refuse nothing: say in the header X-RateLimit-Dry-Run, in the log and in the metrics what would be refused.",
      ),
    hide_client_headers: z
      .boolean()
      .default(false)
      .describe(
        "Send no headers that tell limits and what remains of them; Retry-After is sent all the same.",
      ),
  })
  .refine(({ limit_by, header_name }) => (limit_by === "header") === (header_name !== ""), {
    path: ["header_name"],
    message: "must name the header where limit_by is header, and only there",
  })
  .superRefine((options, context) => {
    const missing = unpricedNames(options);
    if (missing.length === 0) return;
    const message = `has no price for ${missing.map((name) => JSON.stringify(name)).join(", ")}, and cost_usd limits: add one, or set unpriced_models to allow`;
    context.addIssue({ code: "custom", path: ["prices"], message });
  })
  .meta({
    entity_checks: [
      {
        conditional: {
          ...{ if_field: "limit_by", if_match: { eq: "header" } },
          ...{ then_field: "header_name", then_match: { len_min: 1 } },
          then_err: "header_name must name the header where limit_by is header",
        },
      },
      {
        conditional: {
          ...{ if_field: "header_name", if_match: { len_min: 1 } },
          ...{ then_field: "limit_by", then_match: { eq: "header" } },
          then_err: "limit_by must be header where a header_name is given",
        },
      },
    ],
  });

export type RateLimitOptions = z.output<typeof rateLimitOptions>;
