// The options of a provider that say what it serves and where: the half of it that llm-models reads.

import { z } from "zod";
import { providerName } from "../../stages/provider-name";
import { originIn } from "./provider-url";

const milliseconds = z.int().min(1).max(2_147_483_646);

export const providerOptions = z.object({
  name: providerName.describe(
    "Its name: `name/model` is a model of this provider, in aliases as in requests.",
  ),
  url: z
    .string()
    .max(500)
    .refine((url) => originIn(url) !== undefined, {
      message: "must be an address as in https://api.example.com or https://api.example.com/v1",
    })
    .describe(
      "Address of its API, as an SDK takes it: `https://api.example.com`, with a path where it has one; /v1 is added where the path names no version.",
    ),
  models: z
    .array(z.string().min(1).max(200))
    .default(["*"])
    .describe(
      "Models that it serves, by their names there; `*` matches any text. A model that several serve is taken from the first of them, unless its provider is named.",
    ),
  families: z
    .array(z.enum(["openai", "anthropic"]))
    .default(["openai"])
    .describe(
      "APIs that it speaks: `openai` (chat/completions, embeddings, responses, ...), `anthropic` (messages).",
    ),
  tls_verify: z
    .boolean()
    .default(true)
    .describe(
      "Check its certificate and the name in it, by the authorities of Kong's proxy_ssl_trusted_certificate.",
    ),
  connect_timeout_ms: milliseconds
    .default(10_000)
    .describe("How long a connection to it may take, in milliseconds."),
  write_timeout_ms: milliseconds
    .default(120_000)
    .describe("How long it may take nothing of a request, in milliseconds."),
  read_timeout_ms: milliseconds
    .default(120_000)
    .describe(
      "How long it may send nothing, in milliseconds; also until the first byte of an answer.",
    ),
});

export type ProviderOptions = z.infer<typeof providerOptions>;

export const providersOption = z
  .array(providerOptions)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    message: "must have one entry for each name",
  })
  .default([]);
