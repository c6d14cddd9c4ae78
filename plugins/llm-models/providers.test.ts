import { describe, expect, it } from "vitest";
import { accessOf } from "./access";
import { providersOf } from "./providers";
import { modelsOptions } from "./schema";

const { providers: options } = modelsOptions.parse({
  providers: [
    { name: "a", url: "https://a.example", models: ["gpt-*"] },
    {
      name: "b",
      url: "https://b.example",
      models: ["gpt-4.1", "claude-*"],
      families: ["openai", "anthropic"],
    },
  ],
});
const { locate, bare, spellings, first } = providersOf(options);

describe("llm-models", () => {
  describe("providers", () => {
    it.each([
      ["gpt-4.1", "openai", "a gpt-4.1"],
      ["b/gpt-4.1", "openai", "b gpt-4.1"],
      ["gpt-4.1", "anthropic", "b gpt-4.1"],
      ["claude-sonnet-4.5", "openai", "b claude-sonnet-4.5"],
      ["a/claude-sonnet-4.5", "openai", undefined],
      ["a/gpt-4.1", "anthropic", undefined],
      ["nobody/gpt-4.1", "openai", undefined],
      ["llama", "openai", undefined],
    ] as const)("serve %s to %s clients by %s", (name, family, served) => {
      const found = locate(name, family);
      expect(found && `${found.provider?.provider} ${found.model}`).toBe(served);
    });

    it("are one for requests that name no model: the first that speaks their API", () => {
      expect(first("openai")?.provider).toBe("a");
      expect(first("anthropic")?.provider).toBe("b");
    });

    it("have no name that is not theirs", () => {
      expect(bare("a/gpt-4.1")).toBe("gpt-4.1");
      expect(bare("openai/gpt-4.1")).toBe("openai/gpt-4.1");
    });

    it("are no way around a rule, whichever name it speaks of", () => {
      const mayUse = (rule: object) =>
        accessOf(modelsOptions.parse({ access: [rule] }).access, spellings)();
      expect(mayUse({ deny: ["gpt-4.1"] })("b/gpt-4.1", "b/gpt-4.1")).toBe(false);
      expect(mayUse({ deny: ["b/*"] })("claude", "claude-sonnet-4.5")).toBe(false);
      expect(mayUse({ deny: ["b/*"] })("gpt-4", "gpt-4o")).toBe(true);
      // On Anthropic's API it would be b's.
      expect(mayUse({ deny: ["b/*"] })("gpt-4", "gpt-4.1")).toBe(false);
      expect(mayUse({ allow: ["a/*"] })("gpt-4", "gpt-4.1")).toBe(true);
      expect(mayUse({ allow: ["a/*"] })("gpt-4", "b/gpt-4.1")).toBe(false);
    });
  });
});
