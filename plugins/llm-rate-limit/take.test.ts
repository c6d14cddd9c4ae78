import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

      const dry = await limited({ cost_usd: { month: 1 }, dry_run: true }).ask({
        model: `모델\nX-Forged: 1${"x".repeat(999)}`,
      });
      expect(dry.headers["X-RateLimit-Dry-Run"]).toMatch(
        /^no price for the model %EB%AA%A8%EB%8D%B8%0AX-Forged: 1x{186}$/,
      );

      const free = limited({ cost_usd: { month: 1 }, unpriced_models: "allow" });
      expect((await free.ask({ models })).answer).toBe(undefined);
    });
  });

  it("tells a request without a model to name one where dollars are limited", async () => {
    const { ask } = limited({ cost_usd: { month: 1 } });
    const { error } = await ask({ model: undefined }, alice, {}, "images/generations");
    expect(error).toMatchObject({
      message:
        "The request names no model, so a budget in dollars cannot hold for it: name one in `model`.",
      code: "model_not_priced",
    });
  });

  describe("a request that is paid for by other things than tokens", () => {
    const free = { input_usd_per_mtok: 0, output_usd_per_mtok: 0 };
    const prices = [
      { model: "painter", ...free, image_usd: 0.04 },
      { model: "speaker", ...free, characters_usd_per_million: 15 },
      { model: "listener", ...free, second_usd: 0.0001 },
    ];
    const asking = (month: number) => limited({ cost_usd: { month }, prices });

    it.each([
      ["images/generations", { model: "painter", prompt: "A cat", n: 5 }, 0.2],
      ["audio/speech", { model: "speaker", input: "x".repeat(2000) }, 0.03],
    ])("takes what it asks for of a budget: %s", async (endpoint, body, usd) => {
      const { ask } = asking(1);
      const painted = Buffer.from(JSON.stringify({ data: new Array(5).fill({ url: "" }) }));
      const first = await ask(body, alice, {}, endpoint);
      expect(Number(first.headers["x-ratelimit-remaining-cost-usd"])).toBeCloseTo(1 - usd, 9);
      await first.ends({ body: painted });

      const second = await ask(body, alice, {}, endpoint);
      expect(Number(second.headers["x-ratelimit-remaining-cost-usd"])).toBeCloseTo(1 - 2 * usd, 9);
      await second.ends({ status: 500 });
      const third = await ask(body, alice, {}, endpoint);
      expect(Number(third.headers["x-ratelimit-remaining-cost-usd"])).toBeCloseTo(1 - 2 * usd, 9);
    });

    it("ends a budget of dollars", async () => {
      const { ask } = asking(0.05);
      const speak = () =>
        ask({ model: "speaker", input: "x".repeat(2000) }, alice, {}, "audio/speech");
      await (await speak()).ends({ content_type: "audio/mpeg" });

      expect((await speak()).error?.code).toBe("insufficient_quota");
    });

    it("is settled where only its answer costs something", async () => {
      const prices = [{ model: "artist", ...free, output_usd_per_mtok: 40 }];
      const { ask } = limited({ cost_usd: { month: 1 }, prices });
      const paint = () =>
        ask({ model: "artist", prompt: "A cat" }, alice, {}, "images/generations");
      const usage = { input_tokens: 0, output_tokens: 5000, total_tokens: 5000 };
      await (await paint()).ends({ body: Buffer.from(JSON.stringify({ data: [{}], usage })) });

      expect((await paint()).headers["x-ratelimit-remaining-cost-usd"]).toBe("0.799999999");
    });

    it("gives back what was not made", async () => {
      const { ask } = asking(1);
      const paint = () => ask({ model: "painter", n: 10 }, alice, {}, "images/generations");
      await (await paint()).ends({ body: Buffer.from('{"data":[{"url":""}]}') });

      expect((await paint()).headers["x-ratelimit-remaining-cost-usd"]).toBe("0.56");
    });
  });

  describe("a request that asks for a dearer service tier", () => {
    const tiers = { flex: 0.5, priority: 2 };
    const source = { source: "page", as_of: "2026-01-01" };
    const model = { model: "m", vendor: "acme", list: { input: 10, output: 20, tiers, ...source } };
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "tiers-"));
      const catalogue = { sources: { page: "https://acme.example/prices" }, models: [model] };
      writeFileSync(join(folder, "own.yaml"), JSON.stringify(catalogue));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    it.each([
      ["priority", 2 * 1990],
      ["flex", 1990],
      ["nobody-knows", 1990],
    ])("is reserved at its price, but at no discount: %s", async (service_tier, millionths) => {
      const asking = limited({ cost_usd: { month: 1 }, catalogue_file: join(folder, "own.yaml") });
      const { headers } = await asking.ask({ model: "m", service_tier });
      expect(Number(headers["x-ratelimit-remaining-cost-usd"])).toBe((1e6 - millionths) / 1e6);
    });
  });

  describe("a consumer who is limited as such and as a level", () => {
    const twice = {
      tokens: { month: 1000 },
      concurrency: 5,
      levels: [{ by: "consumer", names: ["alice"], tokens: { month: 500 }, concurrency: 2 }],
    };

    it("is counted once, and by the smaller limit", async () => {
      const { ask } = limited(twice);
      const first = await ask();
      expect(first.headers["x-ratelimit-limit-tokens"]).toBe("500");
      expect(first.headers["x-ratelimit-remaining-tokens"]).toBe("400");
      await first.ends({ input: 10, output: 20 });

      expect((await ask()).headers["x-ratelimit-remaining-tokens"]).toBe(`${500 - 30 - 100}`);
    });

    it("has as many requests under way as the smaller limit lets pass", async () => {
      const { ask } = limited(twice);
      const under = [await ask(), await ask()];
      expect((await ask()).error?.message).toContain("2 requests at a time");
      await under[0]!.ends({ input: 1, output: 1 });

      expect((await ask()).answer).toBe(undefined);
    });

    it("has the limits above where no level names it", async () => {
      const { ask } = limited(twice);
      const { headers } = await ask({}, { id: "2", username: "bob" });
      expect(headers["x-ratelimit-remaining-tokens"]).toBe("900");
    });
  });
});
