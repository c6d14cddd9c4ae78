import { describe, expect, it } from "vitest";
import { alice, limited } from "../../test/support/limited";

describe("llm-rate-limit", () => {
  describe("a request to count the tokens of a prompt", () => {
    const countTokens = (asking: ReturnType<typeof limited>) =>
      asking.ask({ max_tokens: undefined }, alice, {}, "messages/count_tokens");

    it("passes whatever is spent of tokens and dollars, as it takes none", async () => {
      const asking = limited({ tokens: { month: 150 }, cost_usd: { month: 0.01 } });
      await (await asking.ask()).ends({ input: 2000, output: 2000 });
      expect((await asking.ask()).answer?.status).toBe(429);

      expect((await countTokens(asking)).answer).toBe(undefined);
    });

    it("is a request, and takes one", async () => {
      const asking = limited({ requests: { month: 2 }, tokens: { month: 1000 } });
      await countTokens(asking);
      await countTokens(asking);

      expect((await countTokens(asking)).error?.message).toContain("2 requests per month");
    });
  });

  describe("a request that lets the upstream call other models too", () => {
    const left = async (more: object) => {
      const { ask } = limited({ cost_usd: { month: 1 } });
      const { headers } = await ask({ model: "deepseek-chat", ...more });
      return headers["x-ratelimit-remaining-cost-usd"];
    };

    it("reserves what the dearest of them costs", async () => {
      // 1 + 99 x 2 = 199 millionths; with gpt-4.1: 10 + 99 x 20 = 1,990
      expect(await left({})).toBe("0.999801");
      expect(await left({ models: ["deepseek-v3"] })).toBe("0.999801");
      expect(await left({ models: ["deepseek-v3", "gpt-4.1"] })).toBe("0.99801");
      const tool = { type: "image_generation", model: "gpt-4.1" };
      expect(Number(await left({ tools: [tool] }))).toBeLessThan(0.99801);
    });

    it("is refused where one of them has no price, unless the operator lets it pass", async () => {
      const models = ["nobody-knows"];
      const { error } = await limited({ cost_usd: { month: 1 } }).ask({ models });
      expect(error).toMatchObject({ code: "model_not_priced" });
      expect(error?.message).toContain('"nobody-knows"');

      const free = limited({ cost_usd: { month: 1 }, unpriced_models: "allow" });
      expect((await free.ask({ models })).answer).toBe(undefined);
    });
  });
});
