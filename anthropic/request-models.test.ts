import { describe, expect, it } from "vitest";
import { opensModels, otherModels } from "./request-models";

describe("request-models", () => {
  it("finds fallbacks and an advisor, each once", () => {
    const fallbacks = [{ model: "claude-sonnet-5" }, { model: "claude-opus-5-5" }];
    const advisor = { type: "advisor_20260301", name: "advisor", model: "claude-opus-5-5" };
    const tools = [{ name: "look", input_schema: { type: "object" } }, advisor];
    expect(otherModels({ model: "m", fallbacks, tools })).toEqual([
      "claude-sonnet-5",
      "claude-opus-5-5",
    ]);
  });

  it.each([
    {},
    { fallbacks: null, tools: null },
    { fallbacks: "default", tools: [null, "x", { model: 1 }] },
  ])("finds none in %j", (fields) => {
    expect(otherModels(fields)).toEqual([]);
  });

  it("knows when the upstream chooses", () => {
    expect(opensModels({ fallbacks: "default" })).toBe("fallbacks");
    expect(opensModels({ fallbacks: [] })).toBeUndefined();
    expect(opensModels({})).toBeUndefined();
  });
});
