// The options of llm-rate-limit: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { pricesOver } from "../../models/catalogue";
import type { ModelPrice } from "../../models/price";
import { catalogueFileOption, modelPrices } from "../../models/price-options";
import { redisOptions } from "../../redis/options";

const periods = {
  second: "in any second (sliding)",
  minute: "in any minute (sliding)",
  hour: "in any hour (sliding)",
  day: "on a day of the calendar, in UTC",
  month: "in a month of the calendar, in UTC",
};

function windowsOf(what: string, amount: () => z.ZodNumber, description: string) {
  const most = (period: string) =>
    amount().optional().describe(`Most ${what} ${period}; without it there is no such limit.`);
  return z
    .object({
      second: most(periods.second),
      minute: most(periods.minute),
      hour: most(periods.hour),
      day: most(periods.day),
      month: most(periods.month),
    })
    .prefault({})
    .describe(description);
}

const count = () => z.int().min(1).max(1_000_000_000);
const tokenCount = () => z.int().min(1).max(1_000_000_000_000);
const usd = () => z.number().min(0.000001).max(1_000_000);

const requests = (description: string) => windowsOf("requests", count, description);
const tokens = (description: string) => windowsOf("tokens", tokenCount, description);
const inputTokens = (description: string) => windowsOf("input tokens", tokenCount, description);
const outputTokens = (description: string) => windowsOf("output tokens", tokenCount, description);
const costUsd = (description: string) => windowsOf("US dollars", usd, description);

const glob = z.string().min(1).max(200);

const tier = z
  .object({
    consumers: z
      .array(glob)
      .default([])
      .describe("Consumers of this tier, by username or custom_id; `*` matches any text."),
    tags: z
      .array(glob)
      .default([])
      .describe("Tags of the consumers of this tier; `*` matches any text."),
    requests: requests("In place of `requests`, where a window is set."),
    tokens: tokens("In place of `tokens`, where a window is set."),
    input_tokens: inputTokens("In place of `input_tokens`, where a window is set."),
    output_tokens: outputTokens("In place of `output_tokens`, where a window is set."),
    cost_usd: costUsd("In place of `cost_usd`, where a window is set."),
    concurrency: count().optional().describe("In place of `concurrency`, where it is set."),
  })
  .refine(({ consumers, tags }) => consumers.length + tags.length > 0, {
    message: "must name consumers or tags: a tier for everybody is the base limits",
  });

const modelLimits = z
  .object({
    match: glob.describe("Models of the upstream that this is for; `*` matches any text."),
    requests: requests("How many requests one may make to these models together."),
    tokens: tokens("How many tokens, input and output, one may use of these models together."),
    cost_usd: costUsd("How many dollars one may spend on these models together."),
    on_exceeded: z
      .enum(["reject", "fallback"])
      .default("reject")
      .describe(
        "What happens when one of these limits has no room: `reject` answers 429, `fallback` sends the request on as the model `fallback`.",
      ),
    fallback: z
      .string()
      .max(200)
      .regex(/^[\x20-\x7e]*$/, "must be printable ASCII: it goes into a header")
      .default("")
      .describe(
        "Model of the upstream that serves instead, where llm-models lets the caller use it; limits for that model apply, and its own fallback too.",
      ),
  })
  .refine(({ on_exceeded, fallback }) => (on_exceeded === "fallback") === (fallback !== ""), {
    path: ["fallback"],
    message: "must name a model where on_exceeded is fallback, and only there",
  });

interface Priced {
  cost_usd: object;
  tiers: { cost_usd: object }[];
  models: { match: string; fallback: string; cost_usd: object }[];
  prices?: ModelPrice[];
  catalogue_file?: string;
  unpriced_models: string;
}

/** Models that the options name, whose cost is limited and not known. */
function unpricedNames(options: Priced): string[] {
  const { cost_usd, tiers, models, prices, catalogue_file, unpriced_models } = options;
  const budgets = [cost_usd, ...[...tiers, ...models].map((one) => one.cost_usd)];
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
        "Configs with the same namespace and the same limit count together, on whichever route they are; another name counts apart.",
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
  });

export type RateLimitOptions = z.output<typeof rateLimitOptions>;
