// The options of llm-models: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { completionTokensModels, fixedTemperatureModels } from "../../models/fixed-temperature";
import { catalogueFileOption, modelPrices } from "../../models/price-options";
import { reasoningModels } from "../../models/reasoning";
import { redisOptions } from "../../redis/options";
import { alias, modelName, temperature, tokens } from "./alias-options";
import { providersOption } from "./provider-options";

const glob = z.string().min(1).max(200);

const accessRule = z.object({
  consumers: z
    .array(glob)
    .default([])
    .describe("Consumers whom this rule is for, by username or custom_id; `*` matches any text."),
  tags: z
    .array(glob)
    .default([])
    .describe(
      "Tags of consumers whom this rule is for; `*` matches any text. A rule without consumers and tags is for everybody.",
    ),
  allow: z
    .array(glob)
    .default(["*"])
    .describe(
      "Models they may use: the name asked for, or the model of the upstream behind it, must match one.",
    ),
  deny: z
    .array(glob)
    .default([])
    .describe(
      "Models they may not use, by the name asked for or by the model of the upstream behind it; wins over `allow`.",
    ),
});

const modelRule = z.object({
  model: glob.describe("Models of the upstream that this is for; `*` matches any text."),
  temperature: temperature
    .optional()
    .describe("In place of `defaults.temperature` for these models."),
  max_tokens: tokens.optional().describe("In place of `defaults.max_tokens` for these models."),
  max_tokens_limit: tokens
    .optional()
    .describe("In place of `max_tokens_limit` for these models; 0 sets them no limit."),
});

const cooldown = z.object({
  statuses: z
    .array(z.int().min(400).max(599))
    .default([408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530])
    .describe(
      "Statuses of the upstream that count as failures of the model; time-outs and broken connections always do.",
    ),
  failures: z
    .int()
    .min(1)
    .max(100)
    .default(3)
    .describe(
      "How many failures within `window_seconds` make a model cool down; one is enough when it names a Retry-After.",
    ),
  window_seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(30)
    .describe("Within how many seconds failures are counted together."),
  seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(30)
    .describe(
      "How long a model cools down, in seconds, where the upstream named no Retry-After; and how long its one probing request may take before another one is sent.",
    ),
  max_seconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(600)
    .describe("Longest cooldown in seconds, whatever the upstream's Retry-After says."),
});

export const modelsOptions = z.object({
  providers: providersOption.describe(
    "Hosts that serve models in place of the route's service, each with its name; llm-upstream-key has their keys under the same names. Without them the service is the only one.",
  ),
  aliases: z
    .array(alias)
    .default([])
    .describe("Names that clients may use for models of the upstream; the first match wins."),
  models: z
    .array(modelName)
    .default([])
    .describe(
      "Models of the upstream that clients may name directly: listed by GET /v1/models and told apart in the metrics.",
    ),
  unknown_models: z
    .enum(["pass", "reject"])
    .default("pass")
    .describe(
      "What happens to a model that is neither an alias, nor a target or fallback, nor in `models`: `pass` sends it on as it is, `reject` answers 404 model_not_found.",
    ),
  other_endpoints: z
    .array(glob)
    .default([])
    .describe(
      "Endpoints of the upstream that this gateway does not read and that may be asked all the same, as in `files*` or `batches*`: what stands behind /v1/. They are authenticated and counted as requests, but no model, token or dollar of them is seen; and what is stored there belongs to the upstream's account, so every consumer sees the files and answers of all. Without them such a request is answered with 404.",
    ),
  access: z
    .array(accessRule)
    .default([])
    .describe(
      "Who may use which models; the first rule that is for a consumer decides. Without rules everybody may use all; with rules, who is in none may use nothing.",
    ),
  defaults: z
    .object({
      temperature: temperature
        .default(0.7)
        .describe("Sampling temperature where the client sent none; -1 leaves it to the model."),
      max_tokens: tokens
        .default(2048)
        .describe(
          "Most tokens of an answer where the client set no bound of any name; 0 leaves it to the model.",
        ),
    })
    .prefault({})
    .describe("Values for members of the request that the client left out."),
  max_tokens_limit: tokens
    .default(0)
    .describe(
      "Most tokens of an answer that a client can ask for: a higher bound is lowered to it, a missing one is set; 0 for no limit.",
    ),
  model_rules: z
    .array(modelRule)
    .default([])
    .describe("Other defaults and limits for some models; the first match wins."),
  completion_tokens_models: z
    .array(glob)
    .default(completionTokensModels)
    .describe(
      "Models that take max_completion_tokens only: on chat/completions a max_tokens is sent to them under that name. A provider before the name (`openai/o3`) and a fine-tune's mark (`ft:o3-mini:...`) do not matter.",
    ),
  fixed_temperature_models: z
    .array(glob)
    .default(fixedTemperatureModels)
    .describe(
      "Models that refuse a temperature, by their names without a provider before or a fine-tune's behind: they get no default one, and none of a client that asked for another model.",
    ),
  reasoning_models: z
    .array(glob)
    .default(reasoningModels)
    .describe(
      "Models that think before they answer, by their names as above: `defaults.max_tokens` is not set for them, as they may spend it before the first word.",
    ),
  stream_usage: z
    .boolean()
    .default(true)
    .describe(
      "Ask the upstream to end each stream with its token usage (stream_options.include_usage), so that streams are counted to the token.",
    ),
  prices: modelPrices
    .optional()
    .describe(
      "What models cost, for aliases with `balance: least_cost`, in place of the catalogue of models; the first match wins. In llm-gateway the prices of `usage` hold where this is left out.",
    ),
  catalogue_file: catalogueFileOption,
  cooldown: cooldown.prefault({}).describe("When a failing model is left alone for a while."),
  policy: z
    .enum(["local", "redis"])
    .default("local")
    .describe(
      "Where cooldowns are kept: `local` in the plugin server's memory, each node for itself, `redis` in a Redis for all nodes together.",
    ),
  redis: redisOptions
    .prefault({})
    .describe("Where the Redis of policy `redis` is; without one the cooldowns are kept locally."),
  max_body_bytes: z
    .int()
    .min(1024)
    .max(33_554_432)
    .default(10_485_760)
    .describe("Largest request body in bytes that is read; a larger one is answered with 413."),
  require_consumer: z
    .boolean()
    .default(true)
    .describe(
      "Refuse with 401 a request that no authentication plugin has given a consumer, so that a missing key-auth closes the gateway instead of opening it.",
    ),
});

export type ModelsOptions = z.infer<typeof modelsOptions>;
