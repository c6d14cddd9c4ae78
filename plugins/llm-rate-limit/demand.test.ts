import { describe, expect, it } from "vitest";
import type { Price } from "../../models/price";
import { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import { demandOf, likelyCost, takesOf } from "./demand";
import type { Limit, Measure } from "./limit";
import { rateLimitOptions } from "./schema";

const options = rateLimitOptions.parse({ default_output_tokens: 500 });
const capped = { ...options, hard_cap: true };

function asking(body: object | undefined, endpoint = "chat/completions"): Exchange {
  const parsed = body && RequestBody.parse(JSON.stringify(body));
  if (parsed && "problem" in parsed) throw new Error(parsed.problem);
  const ticket = { id: "r", started_at: 0, method: "POST", endpoint, stream: false, stages: {} };
  const request = { id: "r", method: "POST", path: `/v1/${endpoint}`, client_ip: "192.0.2.1" };
  return {
    ...{ request, consumer: undefined, ticket, body: parsed, keep: 0 },
    ...{ upstreamHeaders: {}, responseHeaders: {} },
  };
}

// 40 characters and one message: 10 tokens and 4.
const messages = [{ role: "user", content: "x".repeat(40) }];

function limit(measure: Measure, most = 1_000_000): Limit {
  return { measure, window: measure === "concurrency" ? "lease" : "minute", most };
}

const price: Price = { input_usd_per_mtok: 0.42, output_usd_per_mtok: 1.5 };

describe("llm-rate-limit", () => {
  describe("the demand of a request", () => {
    it.each([
      [{ max_tokens: 100 }, 100],
      [{ max_completion_tokens: 200 }, 200],
      [{ max_tokens: 100, max_completion_tokens: 200 }, 200],
      [{ max_tokens: null }, 500],
      [{ max_tokens: "many" }, 500],
      [{ max_tokens: -1 }, 500],
      [{}, 500],
    ])("is its prompt and, with %j, an answer of %i tokens", (bound, wanted) => {
      expect(demandOf(asking({ messages, ...bound }), options)).toEqual({
        inputTokens: 14,
        output: { wanted, least: wanted },
        answers: 1,
      });
    });

    it("is the bound that each endpoint has, and none for embeddings", () => {
      const responses = { input: "x".repeat(40), max_output_tokens: 30, max_tokens: 99 };
      expect(demandOf(asking(responses, "responses"), options).output.wanted).toBe(30);
      const embeddings = asking({ input: "x".repeat(40), max_tokens: 99 }, "embeddings");
      expect(demandOf(embeddings, options)).toMatchObject({
        inputTokens: 10,
        output: { wanted: 0 },
      });
      expect(demandOf(asking(undefined, "other"), options)).toMatchObject({ inputTokens: 0 });
    });

    it.each([
      [{ n: 3 }, 3],
      [{ n: 2, best_of: 4 }, 4],
      [{ n: 0 }, 1],
      [{ n: 1e15 }, 1000],
    ])("is as many answers as %j asks for", (more, answers) => {
      expect(demandOf(asking({ messages, ...more }), options).answers).toBe(answers);
    });

    it("is at least a token for each byte of text under hard_cap, and a short answer will do", () => {
      const korean = [{ role: "user", content: "안녕하세요".repeat(100) }];
      const { inputTokens, output } = demandOf(asking({ messages: korean }), capped);
      expect(inputTokens).toBeGreaterThanOrEqual(1500);
      expect(output).toEqual({ wanted: 500, least: 16 });
      expect(demandOf(asking({ messages, max_tokens: 5 }), capped).output.least).toBe(5);
    });
  });

  describe("what a demand takes", () => {
    const demand = { inputTokens: 14, output: { wanted: 100, least: 100 }, answers: 3 };

    it("is counted by what the limit measures, each answer whole", () => {
      const measures = ["requests", "tokens", "input_tokens", "output_tokens"] as const;
      const takes = takesOf(
        measures.map((measure) => ({ limit: limit(measure) })),
        demand,
        [price],
      );
      expect(takes.map(({ amount, each }) => [amount, each])).toEqual([
        [1, 0],
        [14, 3],
        [14, 0],
        [0, 3],
      ]);
    });

    it("is counted in billionths of a dollar, without a discount for a cached prompt", () => {
      const cached = { ...price, cached_input_usd_per_mtok: 0.1 };
      const [take] = takesOf([{ limit: limit("cost_usd") }], demand, [cached]);
      expect(take).toMatchObject({ amount: 14 * 420, each: 3 * 1500 });
    });

    it("is what the dearest of several models may ask, of the prompt and of the answer", () => {
      const wordy: Price = { input_usd_per_mtok: 0.1, output_usd_per_mtok: 9 };
      const [take] = takesOf([{ limit: limit("cost_usd") }], demand, [price, wordy]);
      expect(take).toMatchObject({ amount: 14 * 420, each: 3 * 9000 });
      expect(takesOf([{ limit: limit("cost_usd") }], demand, [])[0]).toMatchObject({ amount: 0 });
    });
  });

  it("holds a model for cheaper by all that a request asks for, not by its tokens alone", () => {
    const drawing = demandOf(asking({ prompt: "a fox", n: 2 }, "images/generations"), options);
    const costOfPicture = (image_usd: number) => likelyCost({ ...price, image_usd }, drawing);
    expect(costOfPicture(0.04) - costOfPicture(0.03)).toBe(20_000_000);
  });
});
