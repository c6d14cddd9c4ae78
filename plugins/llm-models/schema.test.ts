import { describe, expect, it } from "vitest";
import { catalogue } from "../../models/catalogue";
import { modelsOptions } from "./schema";
import { terms } from "./terms";

describe("llm-models", () => {
  describe("the defaults", () => {
    const termsOf = terms(modelsOptions.parse({}));
    const of = (quirk: string) =>
      catalogue()
        .models.filter(({ quirks }) => quirks.some((one) => one === quirk))
        .map(({ model }) => model);

    it.each(of("no_temperature"))("set no temperature for %s", (model) => {
      expect(termsOf(model, {})).toMatchObject({ temperature: undefined, fixedTemperature: true });
    });

    it.each(of("max_completion_tokens"))("say max_completion_tokens to %s", (model) => {
      expect(termsOf(model, {}).completionTokens).toBe(true);
    });

    it.each([
      ...["us-gov.anthropic.claude-opus-4-7-v1:0", "openai:gpt-5-mini", "vertex/claude-opus-4-7@1"],
      ...["moonshotai/kimi-k2.5", "claude-mythos-preview", "codex-mini-latest"],
    ])("set no temperature for %s", (model) => {
      expect(termsOf(model, {}).temperature).toBeUndefined();
    });

    it.each(["gpt-4.1", "claude-opus-4-6", "ft:gpt-4o:o3:x:y", "kimi-k2-0905", "mistral-large"])(
      "set one for %s",
      (model) => {
        expect(termsOf(model, {}).temperature).toBe(0.7);
      },
    );
  });
});
