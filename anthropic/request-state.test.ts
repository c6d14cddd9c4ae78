import { describe, expect, it } from "vitest";
import { dependsOnState } from "./request-state";

describe("request-state", () => {
  it.each([
    ["a container", { container: "container_1" }],
    ["a thread", { thread: { type: "create" } }],
    ["servers of MCP", { mcp_servers: [{ url: "https://mcp.example" }] }],
    ["a search of the web", { tools: [{ type: "web_search_20250305", name: "web_search" }] }],
    ["code that the upstream runs", { tools: [{ type: "code_execution_20250825" }] }],
  ])("is asked for by %s", (_, fields) => {
    expect(dependsOnState(fields)).toBe(true);
  });

  it.each([
    ["a plain request", { messages: [] }],
    ["members that are null or empty", { container: null, thread: null, mcp_servers: [] }],
    [
      "tools that the client runs",
      { tools: [{ name: "web_search" }, { type: "bash_20250124" }, null] },
    ],
  ])("is not asked for by %s", (_, fields) => {
    expect(dependsOnState(fields)).toBe(false);
  });
});
