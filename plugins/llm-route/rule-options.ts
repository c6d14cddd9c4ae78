// The options of a rule of llm-route: what a request must be for its tier to be given.

import { IANAZone } from "luxon";
import { z } from "zod";
import { hoursOf } from "../../models/off-peak";

const globs = z.array(z.string().min(1).max(200));
const tokens = z.int().min(0).max(100_000_000).optional();

export const ruleOptions = z.object({
  tier: z.string().min(1).max(40).describe("Tier of requests that are all of what follows."),
  tools: z.boolean().optional().describe("They bring tools that the model may call, or none."),
  images: z.boolean().optional().describe("They hold pictures or documents, or none."),
  json_schema: z.boolean().optional().describe("They want an answer by a JSON schema, or not."),
  reasoning: z
    .boolean()
    .optional()
    .describe(
      "They ask the model to think before it answers (reasoning_effort, thinking), or not.",
    ),
  code: z.boolean().optional().describe("The turn that counts holds a block of code, or none."),
  tokens_above: tokens.describe("Their prompt is longer than this, by estimate."),
  tokens_up_to: tokens.describe("Their prompt is no longer than this, by estimate."),
  turns_above: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe("Their user has taken more turns than this."),
  words: globs
    .default([])
    .describe(
      "One of these words stands in a turn of the user; Latin words match whole, others wherever they stand.",
    ),
  patterns: globs
    .default([])
    .describe(
      "A turn of the user is like one of these: `*` matches any text, capitals do not matter, as in `*refund*policy*`.",
    ),
  headers: z
    .array(
      z.object({
        name: z.string().min(1).max(200).describe("Name of the header."),
        values: globs
          .default(["*"])
          .describe("One of these matches its value; `*` matches any text."),
      }),
    )
    .default([])
    .describe("Headers that they all bring."),
  consumers: globs
    .default([])
    .describe("Consumers who ask, by username or custom_id; `*` matches any text."),
  tags: globs.default([]).describe("Tags of consumers who ask; `*` matches any text."),
  hours: z
    .array(
      z
        .string()
        .max(40)
        .refine((text) => hoursOf(text) !== undefined, "must be as in mon-fri 09:00-18:00"),
    )
    .default([])
    .describe("They come in these hours, as in `mon-fri 09:00-18:00`."),
  time_zone: z
    .string()
    .max(100)
    .refine((zone) => IANAZone.isValidZone(zone), "must be a time zone, as in Asia/Seoul")
    .default("UTC")
    .describe("Time zone of `hours`, as in `Asia/Seoul`."),
});

export type RuleOptions = z.infer<typeof ruleOptions>;
