// How an alias stands in the options of llm-models: a name that clients may use, and the models behind it.

import { z } from "zod";
import { isModelName } from "../../models/name";

const name = z
  .string()
  .max(200)
  .refine(
    (text) => text === "" || isModelName(text),
    "must be a name without control characters and without spaces around it",
  );
export const modelName = name.min(1);

export const temperature = z.number().min(-1).max(2);
export const tokens = z.int().min(0).max(10_000_000);

/** By what the targets of an alias share its requests. */
const balances = ["weight", "least_latency", "least_cost"] as const;
export type Balance = (typeof balances)[number];

export const alias = z
  .object({
    name: modelName.describe(
      "Name that clients ask for; `*` in it matches any text, as in `claude*`.",
    ),
    target: name
      .default("")
      .describe(
        "Model of the upstream that serves requests for this name; leave it out where `targets` share them.",
      ),
    targets: z
      .array(
        z.object({
          model: modelName.describe("Model of the upstream that serves a share of the requests."),
          weight: z
            .int()
            .min(0)
            .max(1_000_000)
            .default(1)
            .describe("Its share, beside the weights of the other targets; 0 for none."),
        }),
      )
      .default([])
      .describe(
        "Several models in place of `target`, as for a canary: each consumer always gets the same one, until the weights change.",
      ),
    balance: z
      .enum(balances)
      .default("weight")
      .describe(
        "Which of `targets` serves a request: by `weight`; the one with `least_latency`, which of late sent the first byte of its answers soonest; or the one with `least_cost`, for which the request is likely to cost least by `prices`. By the last two all targets stand in for each other, and weights decide between equals.",
      ),
    fallbacks: z
      .array(modelName)
      .default([])
      .describe("Models that take over while the target cools down, in the order of preference."),
    defaults: z
      .object({
        temperature: temperature
          .optional()
          .describe("In place of `defaults.temperature` for requests by this name."),
        max_tokens: tokens
          .optional()
          .describe("In place of `defaults.max_tokens` for requests by this name."),
      })
      .prefault({})
      .describe("Values for what a client that asks for this name left out."),
  })
  .refine(({ target, targets }) => (target === "") !== (targets.length === 0), {
    message: "needs either target or targets",
  })
  .refine(({ targets }) => targets.length === 0 || targets.some(({ weight }) => weight > 0), {
    message: "needs a weight above 0 in targets",
  })
  .meta({ entity_checks: [{ only_one_of: ["target", "targets"] }] });
