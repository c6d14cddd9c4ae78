// The answers to GET /v1/models and /v1/models/ID in Anthropic's shape. All models stand on one page:
// a gateway serves tens of them, and the SDKs' iterators and Claude Code's model picker ask for no
// other page when has_more is false. https://platform.claude.com/docs/en/api/models/list

/** What is known of a model, by the name that a client may ask for. */
export interface ListedModel {
  id: string;
  /** As people call it; the id where nobody has said. */
  displayName?: string;
  /** Milliseconds since the epoch; the API itself tells the epoch where it does not know. */
  createdAt?: number;
  /** Tokens of the longest prompt and of the longest answer. */
  maxInputTokens?: number;
  maxTokens?: number;
}

/** The body of GET /v1/models/ID. */
export function modelEntry({ id, displayName, createdAt, ...most }: ListedModel) {
  return {
    type: "model",
    id,
    display_name: displayName ?? id,
    created_at: rfc3339(createdAt ?? 0),
    max_input_tokens: most.maxInputTokens ?? null,
    max_tokens: most.maxTokens ?? null,
  };
}

/** The body of GET /v1/models. */
export function modelsList(models: readonly ListedModel[]) {
  return {
    data: models.map(modelEntry),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}

function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}
