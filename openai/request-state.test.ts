import { describe, expect, it } from "vitest";
import { dependsOnState } from "./request-state";

describe("request-state", () => {
  it.each<[object, boolean]>([
    [{ conversation: "conv_1" }, true],
    [{ background: true }, true],
    [{ background: false, conversation: null }, false],
    [{ model: "m" }, false],
    [{ model: "gpt-4o-search-preview" }, true],
    [{ model: "perplexity/sonar-pro" }, true],
    [{ model: "research-model" }, false],
    [{ web_search_options: {} }, true],
    [{ tools: [{ type: "web_search_preview_2025_03_11" }] }, true],
    [{ tools: [{ type: "mcp", server_url: "https://tools.example" }] }, true],
    [{ tools: [{ google_search: {} }] }, true],
    [{ tools: [{ type: "builtin_function", function: { name: "$web_search" } }] }, true],
    [{ tools: [{ type: "function", function: { name: "find_web_pages" } }, null] }, false],
  ])("sees whether %j depends on more than itself", (body, expected) => {
    expect(dependsOnState(body as Record<string, unknown>)).toBe(expected);
  });
});
