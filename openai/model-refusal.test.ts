import { describe, expect, it } from "vitest";
import { lacksModel } from "./model-refusal";

const error = (fields: unknown) => Buffer.from(JSON.stringify({ error: fields }));

describe("openai", () => {
  it.each([
    // OpenAI; Anthropic; OpenRouter; a list of Google's; vLLM and Ollama.
    [
      404,
      { code: "model_not_found", message: "The model `gpt-x` does not exist or you do not have" },
    ],
    [404, { type: "not_found_error", message: "model: gpt-x" }],
    [404, { code: 404, message: "No endpoints found for some/gpt-x." }],
    [404, { code: 404, message: "models/gpt-x is not found for API version v1beta" }],
    [404, 'model "gpt-x" not found, try pulling it first'],
    // Groq; Volcengine; a project that may not use it.
    [400, { code: "model_decommissioned", message: "The model `gpt-x` has been decommissioned" }],
    [404, { code: "ModelNotOpen", message: "Your account has not activated the model GPT-X." }],
    [403, { code: "model_not_found", message: "Project has no access to model `gpt-x`" }],
    [404, { code: "DeploymentNotFound", message: "The API deployment does not exist." }],
    [410, null],
  ])("%i with %j says that there is no such model any more", (status, fields) => {
    expect(lacksModel(status, error(fields), "gpt-x")).toBe(true);
  });

  it.each([
    [404, { message: "Previous response with id 'resp_1' not found." }],
    [404, { code: "model_not_found", message: "The model `advisor` does not exist" }],
    [400, { code: "context_length_exceeded", message: "gpt-x takes 8192 tokens" }],
    [400, { code: "unsupported_value", message: "'temperature' is not supported with gpt-x" }],
    [500, { code: "model_not_found", message: "gpt-x" }],
    [404, null],
  ])("%i with %j says nothing of the kind", (status, fields) => {
    expect(lacksModel(status, error(fields), "gpt-x")).toBe(false);
  });
});
