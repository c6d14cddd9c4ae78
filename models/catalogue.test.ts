import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { catalogue, pricesOver, readCatalogue } from "./catalogue";
import { billOf } from "./cost";

const root = join(__dirname, "..");

/** A catalogue in which everything is right but for what a test changes. */
function written(change: object, list: object = {}): string {
  const prices = { input: 1, output: 2, source: "page", as_of: "2026-01-01", ...list };
  const model = { model: "small", vendor: "acme", list: prices, ...change };
  return JSON.stringify({ sources: { page: "https://acme.example/prices" }, models: [model] });
}

describe("the catalogue", () => {
  const { models, find } = catalogue();
  const priced = models.flatMap((one) => [one.price, ...(one.list ? [one.list] : [])]);

  it("prices every model that kong.yaml's aliases point to", () => {
    const { services } = parse(readFileSync(join(root, "kong.yaml"), "utf8"));
    const gateway = services[0].plugins.find(
      ({ name }: { name: string }) => name === "llm-gateway",
    );
    const targets = gateway.config.models.aliases.map(({ target }: { target: string }) => target);
    expect(targets).toContain("gemini-2.0-flash");
    expect(targets.filter((target: string) => !find(target))).toEqual([]);
  });

  it.each([
    ["gpt-4.1", 8, 8],
    ["claude-sonnet-4.5", 15, 15],
    ["claude-sonnet-4-20250514", 15, 15],
    ["gemini-2.5-flash", 2.5, 2.5],
    ["gemini-2.0-flash", 2.5, 2.5],
    ["deepseek-v3.2", 0.42, 0.42],
    ["deepseek-chat-v3-0324", 0.42, 0.42],
  ])("has the relay's price of %s, beside the list price", (name, input, output) => {
    const { price, list } = find(name)!;
    expect(price).toMatchObject({ input_usd_per_mtok: input, output_usd_per_mtok: output });
    expect(price.source).toContain("holysheep");
    expect(list?.source).not.toBe(price.source);
  });

  it("has models of all seven vendors", () => {
    expect([...new Set(models.map(({ vendor }) => vendor))].sort()).toEqual([
      "anthropic",
      "deepseek",
      "google",
      "mistral",
      "openai",
      "qwen",
      "xai",
    ]);
  });

  it("names a page and a day for every price, and no day that is still to come", () => {
    for (const { source, as_of } of priced) {
      expect(source).toMatch(/^https:/);
      expect(Date.parse(as_of)).toBeLessThan(Date.now());
    }
  });

  it("has no price of cached input above that of input, and none below it for writing a cache", () => {
    for (const price of priced.flatMap((one) => [one, ...(one.steps ?? [])])) {
      const { input_usd_per_mtok: input = 0 } = price;
      expect(price.cached_input_usd_per_mtok ?? 0).toBeLessThanOrEqual(input);
      const write = price.cache_write_usd_per_mtok ?? input;
      expect(write).toBeGreaterThanOrEqual(input);
      expect(price.cache_write_1h_usd_per_mtok ?? write).toBeGreaterThanOrEqual(write);
    }
  });

  it("has dearer steps for longer prompts", () => {
    for (const { price, list = price } of models) {
      const inputs = [list, ...(list.steps ?? [])].map((one) => one.input_usd_per_mtok ?? 0);
      expect(inputs).toEqual([...new Set(inputs)].sort((one, other) => one - other));
    }
  });

  it("has no answer longer than the context", () => {
    for (const { model, context, max_output } of models) {
      if (context && max_output) expect(max_output, model).toBeLessThanOrEqual(context);
    }
  });

  it("costs something for every model", () => {
    const usage = { input_tokens: 1000, output_tokens: 1000, audio_seconds: 60, characters: 1000 };
    for (const { model, price } of models) {
      expect(billOf(usage, price).nano_usd, model).toBeGreaterThan(0);
    }
  });

  it("finds a snapshot by its pattern, and nothing that only looks like one", () => {
    expect(find("gpt-4.1-2025-04-14")?.model).toBe("gpt-4.1");
    expect(find("claude-sonnet-4-5-20250929")?.model).toBe("claude-sonnet-4.5");
    expect(find("gpt-4.1-ultra")).toBeUndefined();
    expect(find("constructor")).toBeUndefined();
  });

  describe("gives way to an operator's prices", () => {
    const own = (model: string) => ({ model, input_usd_per_mtok: 1, output_usd_per_mtok: 3 });
    const inputOf = (prices: string[], name: string) =>
      pricesOver(prices.map(own))(name)?.input_usd_per_mtok;

    it("where one of their patterns matches", () => {
      expect(inputOf(["gpt-*"], "gpt-4.1")).toBe(1);
      expect(inputOf(["*"], "unknown")).toBe(1);
    });

    it("and prices what they do not name", () => {
      expect(inputOf(["gpt-*"], "claude-sonnet-4-20250514")).toBe(15);
      expect(inputOf([], "unknown")).toBeUndefined();
    });
  });

  describe("of an operator's own", () => {
    it("is read from the same form", () => {
      const steps = [{ above: 1000, input: 2, output: 4 }];
      const { find } = readCatalogue(written({ also: ["small-*"] }, { steps }), "own.yaml");
      expect(find("small-1")?.price).toMatchObject({
        ...{ input_usd_per_mtok: 1, output_usd_per_mtok: 2, source: "https://acme.example/prices" },
        steps: [{ above_input_tokens: 1000, input_usd_per_mtok: 2, output_usd_per_mtok: 4 }],
      });
    });

    it.each<[string, string, string]>([
      ["no YAML", "models: [", "own.yaml is no YAML"],
      ["a misspelt member", written({ contxt: 1 }), 'small: Unrecognized key: "contxt"'],
      ["a model without a price", written({ list: undefined }), "small: has neither a price"],
      ["a source that is none", written({}, { source: "blog" }), "its source blog is not among"],
      ["a date that is none", written({}, { as_of: "2026-02-30" }), "small.list.as_of"],
      ["a dearer cache", written({}, { cached_input: 3 }), "cached_input is more than input"],
      ["half a step", written({}, { steps: [{ above: 9, input: 2 }] }), "its steps must name"],
      ["a negative price", written({}, { input: -1 }), "small.list.input"],
      ["a factor too fine", written({}, { tiers: { flex: 0.3333 } }), "three decimal places"],
      [
        "hours that are none",
        written({}, { off_peak: { times: 0.5, hours: ["24-12"] } }),
        "must be as mon-fri",
      ],
      [
        "a name twice",
        written({}).replace(
          '"models":[',
          `"models":[${JSON.stringify(JSON.parse(written({})).models[0])},`,
        ),
        "small is also matched by small",
      ],
      ["another thing", '"text"', "the file: Invalid input"],
    ])("is refused with %s, with the place", (_, text, message) => {
      expect(() => readCatalogue(text, "own.yaml")).toThrow(message);
    });
  });
});
