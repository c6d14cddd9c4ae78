// Which endpoints of the OpenAI API we read, told by the end of the path: a gateway may publish
// them below any prefix (/v1, /openai/v1).

/** POST endpoints whose JSON body names a model. gather.lua holds the same list for its own use. */
export const modelEndpoints = [
  "chat/completions",
  "completions",
  "embeddings",
  "responses",
] as const;

export type Endpoint = (typeof modelEndpoints)[number] | "models" | "other";

const path = /\/(?:(chat\/completions|completions|embeddings|responses)|(models)(?:\/[^/]+)*)\/?$/;

export function endpointOf(method: string, requestPath: string): Endpoint {
  const match = path.exec(requestPath);
  if (match?.[1] && method === "POST") return match[1] as Endpoint;
  if (match?.[2] && method === "GET") return "models";
  return "other";
}

export function namesModel(endpoint: Endpoint): boolean {
  return endpoint !== "models" && endpoint !== "other";
}
