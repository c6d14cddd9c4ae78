// All endpoints that are read here, of every family, and whose they are.

import { anthropic } from "./anthropic";
import type { EndpointRow, Family } from "./family";
import { openai } from "./openai";

const families: readonly Family[] = [openai, anthropic];

export const endpoints: readonly EndpointRow[] = families.flatMap((family) => family.endpoints);

const rows = new Map(endpoints.map((row) => [row.name, row]));
const familyByEndpoint = new Map(
  families.flatMap((family) => family.endpoints.map(({ name }) => [name, family] as const)),
);

/** Endpoints whose answers llm-cache may keep, as its options name them. */
export const modelEndpoints = [
  "chat/completions",
  "completions",
  "embeddings",
  "responses",
  "messages",
] as const;

/** The row of an endpoint's name, as a ticket has it; undefined for "other". */
export function rowOf(name: string): EndpointRow | undefined {
  return rows.get(name);
}

/**
 * Whether an endpoint asks no model: tokens are counted under limits of their own, by servers that many
 * vendors lack, so what comes of it says nothing of a model or of a key's limits.
 */
export function asksNoModel(name: string): boolean {
  return rowOf(name)?.counts === "nothing";
}

/** Whose endpoint it is; OpenAI's where it is nobody's. */
export function familyOf(endpoint: string): Family {
  return familyByEndpoint.get(endpoint) ?? openai;
}

/**
 * In whose words a client wants to be answered: by the endpoint that it asks, and where that is both
 * families' (GET /v1/models) or nobody's by the header that every client of Anthropic's sends.
 * https://platform.claude.com/docs/en/api/versioning
 */
export function familyOfCaller(path: string, anthropicVersion: string | undefined): Family {
  const speaksAnthropic = (anthropicVersion ?? "") !== "" || path.includes("/v1/messages");
  return speaksAnthropic ? anthropic : openai;
}
