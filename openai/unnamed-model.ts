// Requests that the API takes without a model: what stands for it there.

import { rowOf } from "./endpoint";

/**
 * What a request names in place of a model, in words for a message; undefined where it names a model,
 * or its endpoint needs one. Responses take a prompt that the account has stored, with its model;
 * moderations and pictures have a model of the API's own.
 */
export function standsForModel(
  endpoint: string,
  fields: Readonly<Record<string, unknown>>,
): string | undefined {
  if ((fields.model ?? null) !== null || !rowOf(endpoint)?.modelOptional) return undefined;
  if (endpoint !== "responses") return "the model that the API chooses";
  const { prompt } = fields;
  const id =
    typeof prompt === "object" && prompt !== null && "id" in prompt ? prompt.id : undefined;
  return typeof id === "string" && id !== ""
    ? `the stored prompt ${JSON.stringify(id.slice(0, 100))}`
    : undefined;
}
