// The options of llm-models: the only source for Kong's schema, the README table and the types.

import { z } from "zod";

const modelName = z.string().min(1).max(200);

export const modelsOptions = z.object({
  aliases: z
    .array(
      z.object({
        name: modelName.describe(
          "Name that clients ask for; `*` in it matches any text, as in `claude*`.",
        ),
        target: modelName.describe("Model of the upstream that serves requests for this name."),
      }),
    )
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
      "What happens to a model that is neither an alias, nor a target, nor in `models`: `pass` sends it on as it is, `reject` answers 404 model_not_found.",
    ),
  defaults: z
    .object({
      temperature: z
        .number()
        .min(-1)
        .max(2)
        .default(0.7)
        .describe("Sampling temperature where the client sent none; -1 leaves it to the model."),
      max_tokens: z
        .int()
        .min(0)
        .max(10_000_000)
        .default(2048)
        .describe(
          "Most tokens of an answer where the client set no bound of any name; 0 leaves it to the model.",
        ),
    })
    .prefault({})
    .describe("Values for members of the request that the client left out."),
  stream_usage: z
    .boolean()
    .default(true)
    .describe(
      "Ask the upstream to end each stream with its token usage (stream_options.include_usage), so that streams are counted to the token.",
    ),
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
