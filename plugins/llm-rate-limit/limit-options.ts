// What an operator writes of limits, wherever in the options they stand: amounts by window, tiers,
// levels, limits of some models.

import { z } from "zod";

const periods = {
  second: "in any second (sliding)",
  minute: "in any minute (sliding)",
  hour: "in any hour (sliding)",
  day: "on a day of the calendar, in `time_zone`",
  month: "in a month of the calendar, from `month_day` on",
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

export const count = () => z.int().min(1).max(1_000_000_000);
const tokenCount = () => z.int().min(1).max(1_000_000_000_000);
const usd = () => z.number().min(0.000001).max(1_000_000);

export const requests = (description: string) => windowsOf("requests", count, description);
export const tokens = (description: string) => windowsOf("tokens", tokenCount, description);
export const inputTokens = (description: string) =>
  windowsOf("input tokens", tokenCount, description);
export const outputTokens = (description: string) =>
  windowsOf("output tokens", tokenCount, description);
export const costUsd = (description: string) => windowsOf("US dollars", usd, description);

const glob = z.string().min(1).max(200);

export const tier = z
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
  })
  .meta({ entity_checks: [{ at_least_one_of: ["consumers", "tags"] }] });

const amounts = ["requests", "tokens", "input_tokens", "output_tokens", "cost_usd"].flatMap(
  (measure) => Object.keys(periods).map((period) => `${measure}.${period}`),
);

export const level = z
  .object({
    by: z
      .enum(["everybody", "team", "consumer", "credential", "end_user", "model", "provider"])
      .describe(
        "Whose limits these are: of all requests of this config together, of each team (a tag of its consumers that begins with `tag_prefix`), consumer, credential, end user of an app, model of the upstream, or provider (the service).",
      ),
    names: z
      .array(glob)
      .default([])
      .describe(
        "Only for those of that kind whose name matches one: the tag of a team, the username of a consumer, the id of a credential, a model; `*` matches any text. Without it for each of them. The first entry of a kind that matches counts, so the last one is for the rest.",
      ),
    requests: requests("How many requests they may make."),
    tokens: tokens("How many tokens they may use, input and output together."),
    input_tokens: inputTokens("How many tokens they may send."),
    output_tokens: outputTokens("How many tokens they may get."),
    cost_usd: costUsd("How many US dollars they may spend."),
    concurrency: count().optional().describe("Most of their requests under way at a time."),
  })
  .refine(({ by, names, ...limits }) => limitsSomething(limits), {
    message: "sets no limit: give it requests, tokens, cost_usd or concurrency",
  })
  .meta({ entity_checks: [{ at_least_one_of: [...amounts, "concurrency"] }] });

function limitsSomething(limits: Record<string, unknown>): boolean {
  return Object.values(limits).some((one) =>
    typeof one === "object" && one !== null ? Object.keys(one).length > 0 : one !== undefined,
  );
}

export const modelLimits = z
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
  })
  .meta({
    entity_checks: [
      {
        conditional: {
          ...{ if_field: "on_exceeded", if_match: { eq: "fallback" } },
          ...{ then_field: "fallback", then_match: { len_min: 1 } },
          then_err: "fallback must name a model where on_exceeded is fallback",
        },
      },
      {
        conditional: {
          ...{ if_field: "fallback", if_match: { len_min: 1 } },
          ...{ then_field: "on_exceeded", then_match: { eq: "fallback" } },
          then_err: "on_exceeded must be fallback where a fallback is named",
        },
      },
    ],
  });
