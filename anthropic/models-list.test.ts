import { describe, expect, it } from "vitest";
import { modelEntry, modelsList } from "./models-list";

const known = {
  id: "claude-sonnet-4.5",
  displayName: "Claude Sonnet 4.5",
  createdAt: Date.UTC(2025, 8, 29),
  maxInputTokens: 200_000,
  maxTokens: 64_000,
};

describe("models-list", () => {
  it("shows a model as the API does", () => {
    expect(modelEntry(known)).toEqual({
      type: "model",
      id: "claude-sonnet-4.5",
      display_name: "Claude Sonnet 4.5",
      created_at: "2025-09-29T00:00:00Z",
      max_input_tokens: 200_000,
      max_tokens: 64_000,
    });
  });

  it("shows a name of which nothing else is known", () => {
    expect(modelEntry({ id: "fast" })).toEqual({
      type: "model",
      id: "fast",
      display_name: "fast",
      created_at: "1970-01-01T00:00:00Z",
      max_input_tokens: null,
      max_tokens: null,
    });
  });

  it("lists them on one page, in the order given", () => {
    expect(modelsList([{ id: "fast" }, known])).toMatchObject({
      data: [{ id: "fast" }, { id: "claude-sonnet-4.5" }],
      has_more: false,
      first_id: "fast",
      last_id: "claude-sonnet-4.5",
    });
  });

  it("lists nothing for a caller to whom nothing is open", () => {
    expect(modelsList([])).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
  });
});
