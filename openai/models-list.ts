// The answers to GET /v1/models and /v1/models/ID. https://platform.openai.com/docs/api-reference/models

interface ListedModel {
  id: string;
}

/** The body of GET /v1/models/ID. */
export function modelEntry({ id }: ListedModel) {
  return { id, object: "model", created: 0, owned_by: "kong-llm" };
}

/** The body of GET /v1/models. */
export function modelsList(models: readonly ListedModel[]) {
  return { object: "list", data: models.map(modelEntry) };
}
