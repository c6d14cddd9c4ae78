// Which endpoints of Anthropic's API we read, one row each, as openai/endpoint.ts has them. A gateway may
// publish them below any prefix (/v1, /anthropic/v1); OpenAI has POST /v1/threads/ID/messages, so they
// are meant only right behind a version. Batches and files are in no row: what they store belongs to
// the upstream's account and to no tenant. https://platform.claude.com/docs/en/api

const read = {
  method: "POST",
  body: "json",
  result: ["content"],
  modelOptional: false,
  behindVersion: true,
} as const;

export const endpoints = [
  { ...read, name: "messages", counts: "tokens", bounded: true },
  // Free, and limited by its own number of requests upstream.
  {
    ...read,
    name: "messages/count_tokens",
    counts: "nothing",
    bounded: false,
    result: ["input_tokens"],
  },
] as const;

/** The version to ask an upstream for where the client named none: it takes all that the newer takes. */
export const defaultVersion = "2023-06-01";

/** From this version on the API refuses temperature, top_p and top_k. Versions are dates. */
export const firstWithoutSamplers = "2026-10-21";
