// The options of llm-privacy: the only source for Kong's schema, the README table and the types.

import { z } from "zod";
import { kinds } from "../../personal-data/kind";

const glob = z.string().min(1).max(200);

// YAML 1.1, which Kong and decK read, takes `off` for false: what lets pass is called `pass`.
export const actions = ["mask", "refuse", "report", "pass"] as const;
const action = z.enum(actions);

const who = {
  consumers: z
    .array(glob)
    .default([])
    .describe("Consumers whom this is for, by username or custom_id; `*` matches any text."),
  tags: z
    .array(glob)
    .default([])
    .describe(
      "Tags of consumers whom this is for; `*` matches any text. Without consumers and tags it is for everybody.",
    ),
};

const recogniser = z.object({
  name: z
    .string()
    .regex(/^[a-z*][a-z0-9_*]{0,30}$/)
    .max(31)
    .describe(
      `What is recognised: ${kinds.map((kind) => `\`${kind}\``).join(", ")}, or the name of one of \`patterns\` or \`lists\`; \`*\` matches any text.`,
    ),
  action: action.describe("What is done with it, in place of `action`."),
});

const recognisers = z
  .array(recogniser)
  .default([])
  .describe("Other actions for some recognisers; the first match wins.");

// Both are part of a placeholder, and of a metric's label.
const ownName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,30}$/, "must be lower-case letters, digits and underscores")
  .max(31)
  .describe("Its name: in capitals part of the placeholder, as in `[CUSTOMER_1]`.");
const pattern = z.string().min(1).max(1000);

const ownPattern = z.object({
  name: ownName,
  pattern: pattern.describe(
    "What it matches, as a regular expression of RE2 (no look-around, no back-references: it takes time by the text's length alone).",
  ),
});

const ownList = z.object({
  name: ownName,
  words: z
    .array(z.string().min(2).max(200))
    .default([])
    .describe(
      "Words that are masked wherever they stand, such as names of customers or projects; capitals do not matter.",
    ),
});

const rule = z.object({
  ...who,
  action: action.optional().describe("In place of `action` for them."),
  recognisers: recognisers.describe("In place of `recognisers` for them; the first match wins."),
});

export const scripts = ["hangul", "latin", "kana", "han", "cyrillic", "other"] as const;

const promptRule = z.object({
  name: ownName.describe("Its name, by which a refusal and the metrics tell it."),
  ...who,
  endpoints: z
    .array(glob)
    .default([])
    .describe("Endpoints that they may ask, as in `chat/completions`; none: all."),
  deny: z
    .array(pattern)
    .default([])
    .describe("Patterns of RE2 of which no text of a request may hold one."),
  require: z
    .array(pattern)
    .default([])
    .describe("Patterns of RE2 each of which some text of a request must hold."),
  max_prompt_chars: z
    .int()
    .min(0)
    .max(33_554_432)
    .default(0)
    .describe("Most characters that all texts of a request have together; 0 for no limit."),
  scripts: z
    .array(z.enum(scripts))
    .default([])
    .describe(
      "Scripts in which they may write: one that has a fifth or more of a request's letters must be among them; none: all. Korean is `hangul`, English `latin`.",
    ),
});

export const privacyOptions = z.object({
  enabled: z.boolean().default(true).describe("Look for personal data in requests at all."),
  action: action
    .default("mask")
    .describe(
      "What is done with what is recognised: `mask` puts a placeholder in its place before anything leaves, `refuse` answers 400, `report` only counts it, `pass` does not look for it.",
    ),
  recognisers,
  rules: z
    .array(rule)
    .default([])
    .describe("Other actions for some consumers; the first rule that is for a consumer decides."),
  patterns: z
    .array(ownPattern)
    .default([])
    .describe("Recognisers of your own, by pattern: numbers of customers, of contracts."),
  lists: z.array(ownList).default([]).describe("Recognisers of your own, by lists of words."),
  restore: z
    .boolean()
    .default(true)
    .describe(
      "Put the values back in the answer, also in streams and in the arguments of tools; without it the client sees the placeholders. Needs our Lua files in Kong.",
    ),
  unread: z
    .enum(["pass", "refuse"])
    .default("pass")
    .describe(
      "What happens to a request that carries what is not read: pictures, sound, files, texts behind an id or a URL, endpoints that are not read. It is counted either way.",
    ),
  dry_run: z
    .boolean()
    .default(false)
    .describe("Only count what would be masked or refused, here and by `prompt_rules`."),
  prompt_rules: z
    .array(promptRule)
    .default([])
    .describe(
      "What requests may hold beside personal data; each rule that is for a consumer counts.",
    ),
  identifier_key: z
    .string()
    .max(500)
    .meta({ referenceable: true })
    .default("")
    .describe(
      "Secret by which identifiers of end users that hold personal data, and placeholders of conversations that are stored upstream, are made: `{vault://env/llm-privacy-key}`. The same for all nodes; without it each process has its own.",
    ),
});

export type PrivacyOptions = z.infer<typeof privacyOptions>;
export type Action = (typeof actions)[number];
