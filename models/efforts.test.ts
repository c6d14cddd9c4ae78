import { describe, expect, it } from "vitest";
import { effortFor } from "./efforts";

describe("an effort that a model refuses", () => {
  it.each([
    ["o3", "minimal", "low"],
    ["openai/o4-mini", "xhigh", "high"],
    ["gpt-5", "none", "minimal"],
    ["gpt-5-mini-2025-08-07", "xhigh", "high"],
    ["gpt-5-codex", "minimal", "low"],
    ["gpt-5-pro", "low", "high"],
    ["gpt-5.1", "minimal", "low"],
    ["gpt-5.1", "xhigh", "high"],
    ["gpt-5.1-chat-latest", "low", "medium"],
    ["gpt-5.1-codex-max", "none", "low"],
    ["gpt-5.2", "max", "xhigh"],
    ["gpt-5.2-pro", "low", "medium"],
    ["gpt-5.2-codex", "minimal", "low"],
  ])("becomes the nearest that %s takes: %s", (model, effort, nearest) => {
    expect(effortFor(model, effort)).toBe(nearest);
  });

  it.each([
    ["gpt-5", "minimal"],
    ["gpt-5.1", "none"],
    ["gpt-5.4-mini", "xhigh"],
    ["o3", "medium"],
    ["gpt-5.6-sol", "max"],
    ["gpt-5.6-sol", "minimal"],
    ["grok-4.5", "none"],
    ["o3", "a word of its own"],
  ])("is none for %s where it takes it, or nobody knows: %s", (model, effort) => {
    expect(effortFor(model, effort)).toBe(effort);
  });
});
