// Which endpoints of Anthropic's API we read, told by the end of the path: a gateway may publish them
// below any prefix (/v1, /anthropic/v1), and both SDKs and Claude Code add /v1/... to the base URL.
// Without the v1 a path of another API would be read: OpenAI has POST /v1/threads/ID/messages.

/** POST endpoints whose JSON body names a model. */
export const modelEndpoints = ["messages", "messages/count_tokens"] as const;

export type Endpoint = (typeof modelEndpoints)[number] | "models" | "other";

const path = /\/v1\/(?:(messages(?:\/count_tokens)?)|(models)(?:\/[^/]+)*\/?)$/;

/**
 * The endpoint that a request asks for. Batches, files and all else are "other": what they store
 * belongs to the upstream's account and to no tenant. GET models is an endpoint of OpenAI's API too;
 * `speaksAnthropic` tells whose client asks.
 */
export function endpointOf(method: string, requestPath: string): Endpoint {
  const match = path.exec(requestPath);
  if (match?.[1] && method === "POST") return match[1] as Endpoint;
  if (match?.[2] && method === "GET") return "models";
  return "other";
}

export function namesModel(endpoint: Endpoint): boolean {
  return endpoint !== "models" && endpoint !== "other";
}

/**
 * Whether a client expects this family's shapes: every request of Anthropic's clients carries the
 * header anthropic-version, and no client of OpenAI's does.
 * https://platform.claude.com/docs/en/api/versioning
 */
export function speaksAnthropic(anthropicVersion: string | undefined): boolean {
  return anthropicVersion !== undefined && anthropicVersion !== "";
}

/**
 * The version to ask an upstream for where the client named none. The older one: it takes all that
 * the newer takes, and temperature, top_p and top_k too, which 2026-10-21 refuses.
 */
export const defaultVersion = "2023-06-01";
