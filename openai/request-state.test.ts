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
    [{ tools: [{ type: "function", function: { name: "web_search" } }] }, false],
    [{ tools: [{ type: "x_search" }] }, true],
    [{ tools: [{ type: "code_execution" }] }, true],
    [{ tools: [{ type: "openrouter:web_search" }] }, true],
    [{ tools: [{ googleSearch: {} }] }, true],
    [{ tools: [{ googleSearchRetrieval: {} }] }, true],
    [{ tools: [{ urlContext: {} }] }, true],
    [{ tools: [{ type: "webhook_sender" }] }, false],
    [{ plugins: [{ id: "web" }] }, true],
    [{ plugins: [{ id: "file-parser" }] }, false],
    [{ enable_search: true }, true],
    [{ enable_search: false }, false],
    [{ web_search: { enable: true } }, true],
    [{ model: "groq/compound-mini" }, true],
    [{ model: "compound-beta" }, true],
    [{ model: "o3-deep-research" }, true],
    [{ model: "gpt-4o:online:nitro" }, true],
    [{ model: "onlinechat" }, false],
  ])("sees whether %j depends on more than itself", (body, expected) => {
    expect(dependsOnState(body as Record<string, unknown>)).toBe(expected);
  });
});
