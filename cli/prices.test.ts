import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addPrices } from "./prices";

let folder: string;
let printed: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prices-"));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

/** `kong-llm prices ...` as it is typed; what it prints. */
async function run(...typed: string[]): Promise<string> {
  const program = new Command("kong-llm").exitOverride();
  addPrices(program);
  printed = "";
  await program.parseAsync(["prices", ...typed], { from: "user" });
  return printed;
}

function write(content: unknown, name = "file.json"): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

const night = { times: 0.5, hours: ["16:30-24:00"] };
const prices = { input: 2, cached_input: 0.5, output: 8, source: "page", as_of: "2026-01-01" };
const own = {
  sources: { page: "https://acme.example/prices" },
  models: [{ model: "small", vendor: "acme", list: { ...prices, off_peak: night } }],
};

describe("kong-llm prices", () => {
  describe("list", () => {
    it("tells the price in force, the list price, the source and its date", async () => {
      const [heads, row] = (await run("list", "gpt-4.1")).split("\n");
      expect(heads).toMatch(
        /^model +input +cached +output +list input +list output +as of +source$/,
      );
      expect(row).toMatch(/^gpt-4.1 +8 +8 +8 +2 +8 +2026-04-08 +https:.*holysheep/);
    });

    it("tells all that is known as JSON, of the models that a pattern names", async () => {
      const models = JSON.parse(await run("list", "claude-haiku-*", "--format", "json"));
      const found = models.map(({ model }: { model: string }) => model);
      expect(found).toContain("claude-haiku-4-5");
      expect(models[0]).toMatchObject({ vendor: "anthropic", families: ["anthropic", "openai"] });
    });

    it("fails for a name that is not there", async () => {
      await expect(run("list", "gpt-0")).rejects.toThrow("the catalogue has no model gpt-0");
    });
  });

  describe("check", () => {
    it("says what a right catalogue holds", async () => {
      const file = write(own, "own.yaml");
      expect(await run("check", file)).toBe(`${file} is right: 1 models, 1 names\n`);
    });

    it("tells every fault of another with its place", async () => {
      const [model] = own.models;
      const wrong = { ...model, list: { ...prices, cached_input: 3, source: "blog" } };
      const checked = run("check", write({ ...own, models: [wrong] }, "own.yaml"));
      await expect(checked).rejects.toThrow(
        /no catalogue of models:\n {2}small\.list: its source blog .*\n {2}small\.list: cached_input is more/,
      );
    });
  });

  describe("cost", () => {
    const answer = {
      model: "gpt-4.1-2025-04-14",
      choices: [],
      usage: {
        ...{ prompt_tokens: 1000, completion_tokens: 500 },
        prompt_tokens_details: { cached_tokens: 400 },
      },
    };

    it("tells what an answer of the upstream costs, and why", async () => {
      const lines = (await run("cost", write(answer))).trimEnd().split("\n");
      expect(lines[0]).toMatch(/^gpt-4.1-2025-04-14, by https:.* as of 2026-04-08$/);
      expect(lines.slice(1).map((line) => line.replace(/ +/g, " "))).toEqual([
        "input 600 x $8 / 1M = $0.0048",
        "cached_input 400 x $8 / 1M = $0.0032",
        "output 500 x $8 / 1M = $0.004",
        "sum = $0.012",
        "counted up to whole nano-dollars = $0.012",
        "list price = $0.0054",
      ]);
    });

    it("counts the cached parts of a message beside its input, as Anthropic does", async () => {
      const cache_creation = { ephemeral_5m_input_tokens: 40, ephemeral_1h_input_tokens: 60 };
      const usage = {
        ...{ input_tokens: 1000, output_tokens: 50, cache_read_input_tokens: 200 },
        ...{ cache_creation_input_tokens: 100, cache_creation },
      };
      const message = { type: "message", model: "claude-sonnet-5", content: [], usage };
      const { lines } = JSON.parse(await run("cost", write(message), "--format", "json"));
      expect(
        lines.map(({ part, count }: { part: string; count: number }) => [part, count]),
      ).toEqual([
        ...[
          ["input", 1000],
          ["cached_input", 200],
        ],
        ...[
          ["cache_write", 40],
          ["cache_write_1h", 60],
          ["output", 50],
        ],
      ]);
    });

    it("does not guess what a tier costs that has no price", async () => {
      const served = { ...answer, service_tier: "scale" };
      await expect(run("cost", write(served))).rejects.toThrow(
        "the service tier scale of gpt-4.1-2025-04-14 has no price",
      );
    });

    it("tells the step, the tier and the hours that made the price", async () => {
      const usage = { input_tokens: 300_000, output_tokens: 1, service_tier: "flex" };
      const long = await run("cost", write(usage), "--model", "gpt-5.4");
      expect(long).toContain("the prompt is longer than 272000 tokens");
      expect(long).toContain("service tier flex: all prices times 0.5");
      const at = ["--catalogue", write(own, "own.yaml"), "--at", "2026-01-31T16:45:00Z"];
      const usual = { ...usage, service_tier: undefined };
      const late = await run("cost", write(usual), "--model", "small", ...at);
      expect(late).toContain("off-peak hours: all prices times 0.5");
      expect(late).toContain("= $0.300004");
    });

    it("prices a usage line to the same digit, as JSON", async () => {
      const line = { model: "deepseek-v3.2", input_tokens: 3, output_tokens: 5, cost_usd: 1 };
      expect(JSON.parse(await run("cost", write(line), "--format", "json"))).toMatchObject({
        lines: [
          { part: "input", count: 3, each_usd: "0.00000042", usd: "0.00000126" },
          { part: "output", count: 5, usd: "0.0000021" },
        ],
        ...{ exact_usd: "0.00000336", cost_usd: 0.00000336, list_cost_usd: 0.00000294 },
      });
    });

    it.each<[string, unknown, string[], string]>([
      ["no JSON", "{secret", [], "is no JSON"],
      ["no usage", { model: "gpt-4.1" }, [], "states no usage"],
      ["half a token", { input_tokens: 0.5 }, [], "is no usage: input_tokens"],
      ["no model", { input_tokens: 5 }, [], "names no model: give --model NAME"],
      ["a model without a price", answer, ["--model", "new"], "new has no price: add {model: new,"],
    ])("says what to do about %s", async (_, content, flags, message) => {
      const error = await run("cost", write(content), ...flags).catch((thrown: Error) => thrown);
      expect((error as Error).message).toContain(message);
      expect((error as Error).message).not.toContain("secret");
      expect(printed).toBe("");
    });
  });
});
