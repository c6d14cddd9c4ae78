import { describe, expect, it } from "vitest";
import { accessOf } from "./access";
import { modelsOptions } from "./schema";

const rules = modelsOptions.parse({
  access: [
    { consumers: ["intern-*"], allow: ["gpt-4o-mini", "small"] },
    { consumers: ["auditor", "billing-7"], deny: ["*"] },
    { tags: ["team-research", "lab-*"], deny: ["claude-opus*"] },
    { consumers: ["premium"], tags: ["gold"] },
    { allow: ["gpt-*", "fast"], deny: ["gpt-4.1"] },
  ],
}).access;

const may = accessOf(rules);

describe("llm-models access", () => {
  it.each([
    // A rule by name.
    [{ username: "intern-anna" }, "gpt-4o-mini", "gpt-4o-mini", true],
    [{ username: "intern-anna" }, "gpt-4.1", "gpt-4.1", false],
    [{ username: "Intern-Anna" }, "gpt-4.1-mini", "gpt-4.1-mini", true],
    // The name asked for opens its model, and the model opens every name for it.
    [{ username: "intern-anna" }, "small", "deepseek-chat", true],
    [{ username: "intern-anna" }, "deepseek-chat", "deepseek-chat", false],
    [{ username: "intern-anna" }, "cheap", "gpt-4o-mini", true],
    // By custom_id.
    [{ username: "x", custom_id: "billing-7" }, "gpt-4o", "gpt-4o", false],
    // By tag; an alias is no way around what is denied, by either name.
    [{ username: "r", tags: ["team-research"] }, "gpt-4.1", "gpt-4.1", true],
    [{ username: "r", tags: ["a", "lab-9"] }, "claude-opus-4", "claude-opus-4", false],
    [{ username: "r", tags: ["lab-9"] }, "writer", "claude-opus-4", false],
    [{ username: "r", tags: ["lab-9"] }, "claude-opus", "claude-sonnet-4", false],
    // Named or tagged: either is enough.
    [{ username: "premium" }, "gpt-4.1", "gpt-4.1", true],
    [{ username: "other", tags: ["gold"] }, "gpt-4.1", "gpt-4.1", true],
    // Everybody else.
    [{ username: "other" }, "gpt-4o", "gpt-4o", true],
    [{ username: "other" }, "gpt-4.1", "gpt-4.1", false],
    [{ username: "other" }, "gpt-4", "gpt-4.1", false],
    // Upstreams that ignore case know it under these names too.
    [{ username: "other" }, "gpt-4.1", "GPT-4.1", false],
    [{ username: "other" }, "Gpt-4.1", "Gpt-4.1", false],
    [{ username: "r", tags: ["lab-9"] }, "Claude-Opus-4", "Claude-Opus-4", false],
    [{ username: "other" }, "fast", "gemini-2.0-flash", true],
    [{ username: "other" }, "gemini-2.0-flash", "gemini-2.0-flash", false],
    [undefined, "gpt-4o", "gpt-4o", true],
  ])("%j asks for %s, served by %s: %s", (who, requested, target, expected) => {
    const caller = who && { id: "1", ...who };
    expect(may(caller)(requested, target)).toBe(expected);
  });

  it("is open to everybody without rules", () => {
    expect(accessOf([])(undefined)("any", "thing")).toBe(true);
  });

  it("gives nothing to whom no rule is for", () => {
    const closed = accessOf(modelsOptions.parse({ access: [{ consumers: ["a"] }] }).access);
    expect(closed({ id: "1", username: "a" })("m", "m")).toBe(true);
    expect(closed({ id: "2", username: "b" })("m", "m")).toBe(false);
    expect(closed(undefined)("m", "m")).toBe(false);
  });
});
