// The names by which OpenTelemetry's semantic conventions know what we tell, and ours where they have
// none. Those of GenAI are in Development: as @opentelemetry/semantic-conventions 1.45.0 has them, the last
// release (https://opentelemetry.io/docs/specs/semconv/gen-ai/); what their own repository,
// semantic-conventions-genai, changes since then is in no release yet.

export const attributes = {
  operation: "gen_ai.operation.name",
  provider: "gen_ai.provider.name",
  requestModel: "gen_ai.request.model",
  requestStream: "gen_ai.request.stream",
  responseModel: "gen_ai.response.model",
  timeToFirstChunk: "gen_ai.response.time_to_first_chunk",
  inputTokens: "gen_ai.usage.input_tokens",
  outputTokens: "gen_ai.usage.output_tokens",
  cacheReadTokens: "gen_ai.usage.cache_read.input_tokens",
  cacheCreationTokens: "gen_ai.usage.cache_creation.input_tokens",
  reasoningTokens: "gen_ai.usage.reasoning.output_tokens",
  tokenType: "gen_ai.token.type",
  errorType: "error.type",
  method: "http.request.method",
  resendCount: "http.request.resend_count",
  status: "http.response.status_code",
  serverAddress: "server.address",
  serverPort: "server.port",
} as const;

export const metrics = {
  operationDuration: "gen_ai.client.operation.duration",
  timeToFirstChunk: "gen_ai.client.operation.time_to_first_chunk",
  tokenUsage: "gen_ai.client.token.usage",
  requestDuration: "gen_ai.server.request.duration",
  timeToFirstToken: "gen_ai.server.time_to_first_token",
} as const;

/** What the conventions have no word for. */
export const own = {
  requestId: "kong_llm.request_id",
  route: "kong_llm.route",
  endpoint: "kong_llm.endpoint",
  consumer: "kong_llm.consumer",
  provider: "kong_llm.provider",
  requestedModel: "kong_llm.requested_model",
  fallbackFrom: "kong_llm.fallback_from",
  source: "kong_llm.source",
  cache: "kong_llm.cache",
  limit: "kong_llm.limit",
  limitedBy: "kong_llm.limited_by",
  movedBy: "kong_llm.moved_by",
  cutBy: "kong_llm.cut_by",
  tries: "kong_llm.tries",
  estimated: "kong_llm.usage.estimated",
  cost: "kong_llm.cost_usd",
  saved: "kong_llm.saved_usd",
  /** The name of a tag stands behind it. */
  tag: "kong_llm.tag.",
} as const;

export const ownMetrics = { cost: "kong_llm.cost", saved: "kong_llm.cache.saved" } as const;

/** Upper bounds in seconds and in tokens, as the conventions want them. */
export const secondsBuckets = [
  ...[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
];
export const firstTokenBuckets = [
  ...[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
];
export const tokenBuckets = Array.from({ length: 14 }, (_, power) => 4 ** power);

/** Values of gen_ai.provider.name that must be used where they apply. */
const knownProviders = new Set([
  ...["anthropic", "aws.bedrock", "azure.ai.inference", "azure.ai.openai", "cohere", "deepseek"],
  ...["gcp.gemini", "gcp.gen_ai", "gcp.vertex_ai", "groq", "ibm.watsonx.ai", "mistral_ai"],
  ...["moonshot_ai", "openai", "perplexity", "x_ai"],
]);

/**
 * The provider as the conventions know it: the name that the operator has given it, where that is one
 * of theirs, else the one whose API is spoken.
 */
export function providerName(named: string | undefined, family: string): string {
  return named !== undefined && knownProviders.has(named) ? named : family;
}

const operations: Readonly<Record<string, string>> = {
  "chat/completions": "chat",
  responses: "chat",
  "responses/compact": "chat",
  messages: "chat",
  completions: "text_completion",
  embeddings: "embeddings",
  "images/generations": "generate_content",
  "images/edits": "generate_content",
  "images/variations": "generate_content",
  "audio/speech": "generate_content",
  // The conventions know none of these, and let such names be made.
  "audio/transcriptions": "transcription",
  "audio/translations": "translation",
  "messages/count_tokens": "count_tokens",
  "responses/input_tokens": "count_tokens",
  moderations: "moderation",
  rerank: "rerank",
};

/** What is done at an endpoint, as the conventions call it; undefined where no model does anything. */
export function operationAt(endpoint: string): string | undefined {
  return operations[endpoint];
}
