import { describe, expect, it } from "vitest";
import { nameGlobs, reasons } from "./reasoning";

describe("models", () => {
  it.each([
    "o3",
    "openai/o3-mini",
    "ft:o4-mini:team::1",
    "OpenAI/GPT-5",
    "Qwen/QwQ-32B",
    "kimi-k2-thinking",
    "anthropic/claude-3.7-sonnet:thinking",
    "us.deepseek.r1-v1:0",
    "z-ai/glm-4.6",
    "MiniMax-M2",
    "gpt-oss:20b",
    "openai:o4-mini",
    "models/gemini-flash-latest",
  ])("%s thinks before it answers", (model) => expect(reasons(model)).toBe(true));

  it.each([
    "gpt-4.1",
    "gpt-4o",
    "claude-sonnet-4-5",
    "deepseek-chat",
    "foo3",
    "kimi-k2-0905",
    "r10",
  ])("%s answers at once, as far as its name tells", (model) => expect(reasons(model)).toBe(false));

  it("are matched by their whole name too", () => {
    expect(nameGlobs(["openai/*"])("openai/gpt-4.1")).toBe(true);
  });
});
