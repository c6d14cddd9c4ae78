import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { catalogue, pricesOver } from "../../models/catalogue";
import { RequestBody } from "../../openai/request-body";
import { candidatesOf, expectedUsd, whyNot } from "./candidates";
import { ranking, tierOf } from "./choose";
import { type Reading, readingOf } from "./reading";
import { ruleOptions } from "./rule-options";
import { compileRule } from "./rules";
import { routeOptions } from "./schema";
import { SignReader } from "./signs";
import { defaultWords } from "./words";

const reader = new SignReader(defaultWords());

function read(fields: object, endpoint = "chat/completions", sticky = true): Reading {
  const body = RequestBody.parse(JSON.stringify({ model: "auto", ...fields }));
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  return readingOf(endpoint, body, reader, sticky);
}

const asks = (content: unknown, more: object = {}) => ({
  messages: [{ role: "user", content }],
  ...more,
});

const price = (model: string, usd: number) => ({
  ...{ model, input_usd_per_mtok: usd, output_usd_per_mtok: usd * 4 },
});
const prices = [price("tiny", 0.1), price("twin", 0.1), price("broad", 1), price("great", 10)];
const all = ["tools", "images", "json_schema", "reasoning"];
const { choices } = routeOptions.parse({
  choices: [
    {
      name: "auto",
      tiers: [
        {
          name: "small",
          candidates: [
            { model: "broad", abilities: all, context_tokens: 100_000 },
            { model: "tiny", abilities: ["tools"], context_tokens: 4000, max_output_tokens: 1000 },
            { model: "twin", abilities: ["tools"], context_tokens: 4000, max_output_tokens: 1000 },
            { model: "unpriced", abilities: all },
          ],
        },
        { name: "standard", candidates: [{ model: "gpt-4.1" }, { model: "gpt-5-mini" }] },
        {
          name: "strong",
          candidates: [{ model: "great", abilities: all, families: ["openai", "anthropic"] }],
        },
      ],
    },
  ],
});
const priceOf = pricesOver(prices);
const candidates = candidatesOf(choices[0]!, { catalogues: [catalogue()], priceOf });
const tiers = [
  { name: "small", upTo: 33 },
  { name: "standard", upTo: 66 },
  { name: "strong", upTo: 100 },
];
const expected = { output: 400, thinking: 600 };
const choosing = { tiers, candidates, expected, rules: [], sticky: true };
const now = { headers: {}, at: 0 };
const order = (reading: Reading, tier = 0, consumer = "team") =>
  ranking(choosing, reading, tier, consumer).map(({ candidate }) => candidate.model);

// Requests of every size and need, of one turn and of many.
const anyRequest = fc
  .record({
    texts: fc.array(fc.constantFrom("안녕하세요", "Prove it.", "x".repeat(9000), "고쳐줘 `a`"), {
      minLength: 1,
      maxLength: 6,
    }),
    tools: fc.boolean(),
    schema: fc.boolean(),
    image: fc.boolean(),
    effort: fc.constantFrom(undefined, "low", "high"),
    bound: fc.constantFrom(undefined, 10, 5000, 200_000),
  })
  .map(({ texts, tools, schema, image, effort, bound }) =>
    read({
      messages: texts.map((text, at) => ({
        role: "user",
        content: image && at === 0 ? [{ type: "image_url" }, { type: "text", text }] : text,
      })),
      ...(tools && { tools: [{ type: "function" }] }),
      ...(schema && { response_format: { type: "json_schema" } }),
      ...(effort && { reasoning_effort: effort }),
      ...(bound && { max_tokens: bound }),
    }),
  );
const anyTier = fc.integer({ min: 0, max: 2 });

describe("llm-route", () => {
  describe("chooses", () => {
    it("the cheapest of the tier that can do it, then upwards, then downwards", () => {
      expect(order(read(asks("안녕")), 1).slice(2)).toEqual([
        "great",
        ...order(read(asks("안녕"))).slice(0, 4),
      ]);
      expect(order(read(asks("안녕"))).slice(2, 4)).toEqual(["broad", "unpriced"]);
    });

    it("never a model that cannot, and all that can", () => {
      fc.assert(
        fc.property(anyRequest, anyTier, (reading, tier) => {
          const able = candidates.filter((one) => whyNot(one, reading, "openai") === undefined);
          expect(order(reading, tier).sort()).toEqual(able.map(({ model }) => model).sort());
          for (const { context, maxOutput, abilities } of ranking(
            choosing,
            reading,
            tier,
            "team",
          ).map(({ candidate }) => candidate)) {
            expect(context).toBeGreaterThanOrEqual(reading.tokens + (reading.outputBound ?? 0));
            expect(maxOutput).toBeGreaterThanOrEqual(reading.outputBound ?? 0);
            for (const need of reading.needs) expect(abilities).toContain(need);
          }
        }),
      );
    });

    it("never a dearer model than another of its tier that can do it", () => {
      fc.assert(
        fc.property(anyRequest, anyTier, (reading, tier) => {
          const ranked = ranking(choosing, reading, tier, "team");
          const [best] = ranked;
          const others = ranked.filter(({ candidate }) => candidate.tier === best?.candidate.tier);
          for (const { usd } of others) expect(best!.usd).toBeLessThanOrEqual(usd);
        }),
      );
    });

    it("by what the request is likely to cost: a long prompt by the price of input", () => {
      const [tiny] = candidates.filter(({ model }) => model === "tiny");
      const reading = read(asks("안녕", { max_tokens: 100, n: 3 }));
      const cost = (reading.tokens * 0.1 + 100 * 3 * 0.4) / 1e6;
      expect(expectedUsd(tiny!, reading.tokens, reading, expected)).toBeCloseTo(cost, 12);
    });

    it("the same on every node, and for a conversation to its end", () => {
      fc.assert(
        fc.property(fc.string(), fc.string(), (first, later) => {
          const opening = { role: "user", content: first };
          const turns = [
            opening,
            { role: "assistant", content: "So?" },
            { role: "user", content: later },
          ];
          const once = read({ messages: [opening] });
          const again = read({ messages: turns });
          expect(order(again)).toEqual(order(again));
          expect(again.difficulty).toBeGreaterThanOrEqual(once.difficulty);
          expect(again.openingTokens).toBe(once.tokens);
          expect(order(again)[0]).toBe(order(once)[0]);
        }),
      );
    });

    it("shares conversations among models that cost the same", () => {
      const firsts = Array.from({ length: 200 }, (_, at) => order(read(asks(`hello ${at}`)))[0]);
      expect(new Set(firsts)).toEqual(new Set(["tiny", "twin"]));
      const consumers = Array.from(
        { length: 50 },
        (_, at) => order(read(asks("hello")), 0, `c${at}`)[0],
      );
      expect(new Set(consumers)).toEqual(new Set(["tiny", "twin"]));
    });

    it("for Anthropic's API who serves it", () => {
      const reading = read(asks("안녕", { max_tokens: 100 }), "messages");
      expect(order(reading)).toEqual(["great"]);
    });
  });

  describe("asks for a tier", () => {
    const hard = "Prove rigorously, step by step, that this lock-free algorithm is linearizable.";

    it("by difficulty", () => {
      expect(tierOf(choosing, read(asks("안녕하세요")), now)).toEqual({
        tier: 0,
        reason: "difficulty",
      });
      expect(tierOf(choosing, read(asks(hard)), now)).toEqual({ tier: 2, reason: "difficulty" });
    });

    it("by the first rule that matches, before difficulty", () => {
      const rules = [
        { tier: "nowhere" },
        { tier: "standard", words: ["lock-free"] },
        { tier: "small" },
      ];
      const compiled = rules.map((rule) => compileRule(ruleOptions.parse(rule)));
      const ruled = { ...choosing, rules: compiled };
      expect(tierOf(ruled, read(asks(hard)), now)).toEqual({ tier: 1, reason: "rule", rule: 1 });
      expect(tierOf(ruled, read(asks("hello")), now)).toEqual({ tier: 0, reason: "rule", rule: 2 });
    });

    it("by the client's wish before all", () => {
      expect(tierOf(choosing, read(asks(hard)), now, "small")).toEqual({ tier: 0, reason: "wish" });
    });
  });

  describe("reads", () => {
    it("a conversation by its most difficult turn, or by its last where it is not sticky", () => {
      const turns = ["Prove rigorously that the integral converges.", "고마워"].map((content) => ({
        ...{ role: "user", content },
      }));
      expect(read({ messages: turns }).difficulty).toBeGreaterThan(33);
      expect(read({ messages: turns }, "chat/completions", false).difficulty).toBeLessThan(33);
    });

    it("only the beginning and the end of a long text by its words", () => {
      const filler = "lorem ipsum dolor ".repeat(500);
      const { signs } = read(asks(`${filler}prove the theorem${filler}`));
      expect(signs.hard).toBe(0);
      expect(read(asks(`prove ${filler}`)).signs.hard).toBe(1);
      expect(read(asks(`${filler} prove`)).signs.hard).toBe(1);
    });
  });
});
