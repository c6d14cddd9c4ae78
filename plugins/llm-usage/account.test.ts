import { describe, expect, it } from "vitest";
import { pricesOver } from "../../models/catalogue";
import { noUsage } from "../../models/usage";
import type { Outcome } from "../../stages/outcome";
import { type Asked, accountOf, type Books } from "./account";
import { usageOptions } from "./schema";

const books: Books = {
  priceOf: pricesOver(usageOptions.parse({}).prices),
  labels: new Set(["gpt-4.1"]),
};
const answer = { usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 } };

function ended(change: Partial<Outcome> = {}, ticket: Partial<Outcome["ticket"]> = {}): Outcome {
  return {
    ticket: {
      id: "0123",
      started_at: 1000,
      method: "POST",
      endpoint: "chat/completions",
      stream: false,
      model: { requested: "gpt-4", served: "gpt-4.1", label: "gpt-4.1" },
      stages: {},
      ...ticket,
    },
    status: 200,
    source: "service",
    content_type: "application/json",
    body: Buffer.from(JSON.stringify(answer)),
    complete: true,
    truncated: false,
    started_at: 1000,
    first_byte_at: 1500,
    ended_at: 3000,
    ...change,
  };
}

describe("llm-usage", () => {
  describe("accounts", () => {
    it("what the upstream counted, at the price of the model that served", () => {
      expect(accountOf(ended(), {}, books)).toEqual({
        requested_model: "gpt-4",
        model: "gpt-4.1",
        label: "gpt-4.1",
        usage: { ...noUsage, input_tokens: 1000, output_tokens: 500 },
        cost_usd: 0.012,
        saved_usd: undefined,
      });
    });

    it("each attempt of a message at the price of the model that the upstream asked for it", () => {
      const took = { input_tokens: 1000, output_tokens: 100 };
      const iterations = [
        { ...took, type: "message", model: "claude-fable-5-1" },
        { ...took, type: "fallback_message", model: "claude-opus-5" },
      ];
      const message = { type: "message", content: [], usage: { ...took, iterations } };
      const body = Buffer.from(JSON.stringify(message));
      const named = "claude-fable-5-1";
      const model = { requested: named, served: named, label: named };
      const account = accountOf(ended({ body }, { endpoint: "messages", model }), {}, books);
      expect(account.cost_usd).toBe((1000 * 10 + 100 * 50 + 1000 * 5 + 100 * 25) / 1e6);
    });

    it("sound whose answer states no tokens by its letters or seconds, and else by them", () => {
      const costOf = (endpoint: string, served: string, asked: Asked, change: Partial<Outcome>) => {
        const model = { requested: served, served, label: served };
        return accountOf(ended(change, { endpoint, model }), asked, books).cost_usd;
      };
      const spoken = { units: { characters: 1000 } };
      const speaks = (change: Partial<Outcome>) =>
        costOf("audio/speech", "gpt-4o-mini-tts", spoken, change);
      expect(speaks({ content_type: "audio/mpeg", body: Buffer.from("sound") })).toBe(0.017);
      const usage = { input_tokens: 200, output_tokens: 1000, total_tokens: 1200 };
      const done = { type: "speech.audio.done", usage };
      const events = Buffer.from(`data: ${JSON.stringify(done)}\n\n`);
      expect(speaks({ content_type: "text/event-stream", body: events })).toBe(0.01212);
      const heard = { tokens: 1, units: { seconds: 60 } };
      const plain = { content_type: "text/plain", body: Buffer.from("hi") };
      const cost = costOf("audio/transcriptions", "gpt-4o-transcribe", heard, plain);
      expect(cost).toBeCloseTo(0.006, 4);
    });

    it("what the upstream counted, at the price of the provider that served", () => {
      const price = (model: string, usd: number) => ({
        ...{ model, input_usd_per_mtok: usd, output_usd_per_mtok: usd },
      });
      const priceOf = pricesOver([price("b/gpt-4.1", 1), price("gpt-4.1", 10)]);
      const costAt = (provider?: string) =>
        accountOf(ended({}, { provider }), {}, { ...books, priceOf }).cost_usd;
      expect([costAt("b"), costAt("a"), costAt()]).toEqual([0.0015, 0.015, 0.015]);
    });

    it("what a hit would have cost, read from the end of a long answer", () => {
      const long = { choices: [{ text: "x".repeat(100_000) }], ...answer };
      const hit = ended({ source: "cache", body: Buffer.from(JSON.stringify(long)) });
      expect(accountOf(hit, {}, books)).toMatchObject({ cost_usd: 0, saved_usd: 0.012 });
    });

    it("an estimate of the whole answer where only its end was kept", () => {
      const body = Buffer.from(`data: {"choices":[{"delta":{"content":"${"x".repeat(40)}"}}]}\n\n`);
      const long = { body, content_type: "text/event-stream", truncated: true };
      const account = accountOf(ended({ ...long, bytes: body.length * 10 }), {}, books);
      expect(account.usage).toMatchObject({ output_tokens: 100, estimated: true });
    });

    it("an estimate, marked, when the upstream counted nothing", () => {
      const body = Buffer.from(JSON.stringify({ choices: [{ text: "x".repeat(40) }] }));
      const { usage, cost_usd } = accountOf(ended({ body }), { tokens: 90 }, books);
      expect(usage).toMatchObject({ input_tokens: 90, output_tokens: 10, estimated: true });
      expect(cost_usd).toBe(0.0008);
    });

    it("a cut stream by what came through", () => {
      const body = Buffer.from(`data: {"choices":[{"delta":{"content":"${"x".repeat(40)}"}}]}\n\n`);
      const cut = ended({ body, content_type: "text/event-stream", complete: false });
      expect(accountOf(cut, { tokens: 90 }, books).usage).toMatchObject({ output_tokens: 10 });
    });

    it.each([
      ["a hit", { source: "cache" }],
      ["a refusal", { source: "gateway", status: 429 }],
      ["an error of the upstream", { status: 500 }],
      ["an upstream that could not be reached", { source: "error", status: 502 }],
      ["an answer of another plugin", { source: "exit", status: 200 }],
    ] as const)("no tokens and no cost for %s", (_, change) => {
      const { usage, cost_usd } = accountOf(ended(change), { tokens: 90 }, books);
      expect(usage).toMatchObject({ input_tokens: 0, output_tokens: 0, estimated: false });
      expect(cost_usd).toBe(0);
    });

    it("an unknown cost for a model without a price", () => {
      const model = { requested: "new", served: "new", label: "other" };
      const account = accountOf(ended({}, { model }), {}, books);
      expect(account.usage?.input_tokens).toBe(1000);
      expect(account.cost_usd).toBeUndefined();
    });

    it("unknown tokens for an endpoint whose answers are not read", () => {
      const { usage, cost_usd } = accountOf(ended({}, { endpoint: "other" }), {}, books);
      expect([usage, cost_usd]).toEqual([undefined, undefined]);
    });
  });

  describe("names the model in its metrics", () => {
    const labelOf = (model: Outcome["ticket"]["model"], asked = {}) =>
      accountOf(ended({}, { model }), asked, books).label;

    it("as llm-models has told", () => {
      expect(labelOf({ requested: "gpt-4", served: "o3", label: "o3" })).toBe("o3");
    });

    it("by its own list where llm-models is absent or does not know it", () => {
      expect(labelOf(undefined, { model: "gpt-4.1" })).toBe("gpt-4.1");
      expect(labelOf({ requested: "gpt-4.1", served: "gpt-4.1", label: "other" })).toBe("gpt-4.1");
    });

    it("as other when nobody has configured it", () => {
      expect(labelOf(undefined, { model: "made-up-by-a-client" })).toBe("other");
      expect(labelOf(undefined)).toBe("other");
    });
  });
});
