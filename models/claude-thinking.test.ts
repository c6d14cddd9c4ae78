import { describe, expect, it } from "vitest";
import { knowsEffort, thinkingFormOf } from "./claude-thinking";

describe("a Claude is told to think", () => {
  it.each([
    ["claude-3-7-sonnet-20250219", "budget", false],
    ["claude-sonnet-4-20250514", "budget", false],
    ["claude-sonnet-4@20250514", "budget", false],
    ["claude-4.5-sonnet", "budget", false],
    ["claude-haiku-4-5", "budget", false],
    ["claude-opus-4-5-20251101", "budget", true],
    ["claude-opus-4.6", "either", true],
    ["claude-sonnet-4-6", "either", true],
    ["claude-opus-4-7", "adaptive", true],
    ["claude-opus-4-8-v1:0", "adaptive", true],
    ["claude-sonnet-5-5", "adaptive", true],
    ["claude-fable-5", "adaptive", true],
    ["claude-mythos-preview", "adaptive", true],
    // Nobody knows.
    ["claude-opus-latest", undefined, true],
    ["gpt-5", undefined, true],
  ] as const)("%s by %s, and knows an effort: %s", (name, form, effort) => {
    expect([thinkingFormOf(name), knowsEffort(name)]).toEqual([form, effort]);
  });
});
