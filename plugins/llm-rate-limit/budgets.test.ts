import { register } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections } from "../../redis/connection";
import type { Exchange } from "../../stages/exchange";
import { log } from "../../stages/log";
import type { Outcome } from "../../stages/outcome";
import { prepareStage } from "../../stages/stage";
import { type Asked, alice, limited } from "../../test/support/limited";
import { startRedis, type TestRedis } from "../../test/support/redis";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis({ shared: true });
}, 60_000);
afterAll(async () => {
  closeConnections();
  await redis.stop();
});
beforeEach(() => {
  vi.spyOn(log, "info").mockImplementation(() => undefined);
  vi.spyOn(log, "warn").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

const user = (options: object, policy: "local" | "redis" = "local") =>
  limited(options, policy === "redis" ? redis.url : undefined);

async function counted(metric: string, labels: Record<string, string>): Promise<number> {
  const { values } = await register.getSingleMetric(metric)!.get();
  const wanted = Object.entries(labels);
  const found = values.filter((value) => wanted.every(([name, is]) => value.labels[name] === is));
  return found.reduce((sum, { value }) => sum + value, 0);
}

const remaining = ({ headers }: Asked, kind = "tokens") =>
  Number(headers[`x-ratelimit-remaining-${kind}`]);

// Every request here demands 1 token of input and 99 of output, where it says nothing else.
describe("llm-rate-limit", () => {
  describe.each(["local", "redis"] as const)(
    "a budget of tokens, counted by policy %s",
    (policy) => {
      it("is reserved before the call and corrected by what the answer used", async () => {
        const { ask } = user({ tokens: { month: 1000 } }, policy);
        const first = await ask();
        expect(remaining(first)).toBe(900);
        await first.ends({ input: 5, output: 10 });
        expect(remaining(await ask())).toBe(1000 - 15 - 100);
      });

      it("takes more where more was used, and then refuses", async () => {
        const { ask } = user({ tokens: { month: 150 } }, policy);
        await (await ask()).ends({ input: 200, output: 10 });
        const { error, headers } = await ask();
        expect(error).toMatchObject({ type: "insufficient_quota", code: "insufficient_quota" });
        expect(headers["x-ratelimit-remaining-tokens"]).toBe("0");
      });

      it("is settled once, however often the end is told", async () => {
        const { ask } = user({ tokens: { month: 1000 } }, policy);
        const first = await ask();
        const second = await ask();
        for (let i = 0; i < 3; i++) await first.ends({ input: 1, output: 1 });
        await second.ends({ input: 1, output: 1 });
        expect(remaining(await ask())).toBe(1000 - 4 - 100);
      });

      it.each<[string, Partial<Outcome>]>([
        ["a hit of the cache", { source: "cache" }],
        ["a failed call", { status: 500 }],
        ["a stage that refuses later", { source: "gateway", status: 503 }],
      ])("is given back after %s, the request is not", async (_, how) => {
        const { ask } = user({ tokens: { month: 1000 }, requests: { month: 10 } }, policy);
        await (await ask()).ends(how);
        const next = await ask();
        expect(remaining(next)).toBe(900);
        expect(remaining(next, "requests")).toBe(8);
      });

      it("is not passed by requests at the same time: all that they may take is reserved", async () => {
        const { ask } = user({ tokens: { month: 1000 } }, policy);
        const asked = await Promise.all(Array.from({ length: 30 }, () => ask()));
        expect(asked.filter(({ answer }) => !answer)).toHaveLength(10);
      });

      it("is filled to the last token under hard_cap, and the request is told its part", async () => {
        const { ask } = user({ output_tokens: { month: 250 }, hard_cap: true }, policy);
        const bounds = [];
        for (const body of [{}, { max_tokens: null }, {}]) {
          bounds.push((await ask(body)).exchange.body!.get("max_tokens"));
        }
        expect(bounds).toEqual([99, 151, 99]);
      });
    },
  );

  describe("a rate of tokens", () => {
    it("tells a request that can never fit so, and no SDK tries it again", async () => {
      const { ask } = user({ tokens: { minute: 1000 } });
      const { error, headers } = await ask({ max_tokens: 5000 });
      expect(error).toMatchObject({ type: "tokens", code: "rate_limit_exceeded" });
      expect(error!.message).toBe(
        "This request may take 5001 tokens, more than the limit of 1000 tokens per minute for this consumer ever holds: lower max_tokens or shorten the prompt.",
      );
      expect(headers["x-should-retry"]).toBe("false");
      expect(headers).not.toHaveProperty("Retry-After");
    });

    it("counts each of several answers", async () => {
      const { ask } = user({ output_tokens: { month: 1000 } });
      expect(remaining(await ask({ n: 3 }))).toBe(1000 - 297);
    });

    it("takes nothing from any limit where one refuses", async () => {
      const { ask } = user({ requests: { month: 100 }, tokens: { month: 150 } });
      await ask();
      await ask();
      expect(remaining(await ask({ max_tokens: 1 }), "requests")).toBe(98);
    });
  });

  describe("a budget in dollars", () => {
    it("is counted by the price of the model", async () => {
      const { ask } = user({ cost_usd: { month: 0.01 } });
      const first = await ask();
      // 1 input token at $10 and 99 output tokens at $20 for a million.
      expect(first.headers["x-ratelimit-remaining-cost-usd"]).toBe("0.00801");
      await first.ends({ input: 100, output: 50 });
      expect((await ask()).headers["x-ratelimit-remaining-cost-usd"]).toBe("0.00601");
    });

    it("is spent once, and no SDK waits for the next month", async () => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 10) });
      const { ask } = user({ cost_usd: { month: 0.002 } });
      await ask();
      const { error, headers } = await ask();
      vi.useRealTimers();
      expect(error).toMatchObject({ type: "insufficient_quota", code: "insufficient_quota" });
      expect(error!.message).toBe(
        "This request may take $0.00199, for which the limit of $0.002 per month for this consumer has no room now: try again in 528 hours, or lower max_tokens.",
      );
      expect(headers["x-should-retry"]).toBe("false");
    });

    it("refuses a model without a price, unless the operator lets it pass", async () => {
      const refusing = user({ cost_usd: { month: 1 } });
      const refused = await refusing.ask({ model: "unknown" });
      expect(refused.answer?.status).toBe(400);
      expect(refused.error).toMatchObject({ code: "model_not_priced", param: "model" });
      const allowing = user({ cost_usd: { month: 1 }, unpriced_models: "allow" });
      expect((await allowing.ask({ model: "unknown" })).answer).toBeUndefined();
    });
  });

  describe("concurrency", () => {
    it("lets as many requests be under way as are allowed", async () => {
      const { ask } = user({ concurrency: 2 });
      const [first] = await Promise.all([ask(), ask()]);
      const { error, headers } = await ask();
      expect(error).toMatchObject({ type: "requests", code: "rate_limit_exceeded" });
      expect(headers["Retry-After"]).toBe("1");
      await first.ends({ status: 500 });
      expect((await ask()).answer).toBeUndefined();
    });
  });

  describe("limits of a model", () => {
    const fallback = { on_exceeded: "fallback", fallback: "deepseek-chat-v3-0324" };

    it("send the request on as its fallback when they have no room", async () => {
      const { ask } = user({
        requests: { month: 3 },
        models: [{ match: "gpt-4*", requests: { month: 1 }, ...fallback }],
      });
      expect((await ask()).exchange.body!.changed).toBe(false);
      const { exchange, headers, ends } = await ask();
      expect(exchange.body!.get("model")).toBe("deepseek-chat-v3-0324");
      expect(exchange.ticket.model).toEqual({
        ...{ requested: "gpt-4.1", served: "deepseek-chat-v3-0324" },
        ...{ label: "deepseek-chat-v3-0324", fallback_from: "gpt-4.1" },
      });
      expect(headers).toMatchObject({
        "X-LLM-Model": "deepseek-chat-v3-0324",
        "X-LLM-Fallback": "gpt-4.1",
      });
      await ends({ input: 1, output: 1 });
      await ask();
      expect((await ask()).error).toMatchObject({
        message: expect.stringContaining("The limit of 3 requests per month for this consumer"),
      });
    });

    it("refuse where the stages before do not let it be the fallback", async () => {
      const permits = (_: Exchange, model: string) => !model.startsWith("deepseek");
      const models = prepareStage(
        { name: "models", guards: true, prepare: () => ({}), decide: () => undefined, permits },
        { closed: "deepseek*" },
      );
      const { ask } = user({ models: [{ match: "gpt-4*", requests: { month: 1 }, ...fallback }] });
      const after = { models: { options: models.options } };
      await ask({}, alice, after);
      const { error, exchange } = await ask({}, alice, after);
      expect(error?.code).toBe("rate_limit_exceeded");
      expect(exchange.body!.changed).toBe(false);
    });

    it("count the fallback's tokens and its price", async () => {
      const { ask } = user({
        cost_usd: { month: 1 },
        models: [{ match: "gpt-4*", cost_usd: { month: 0.002 }, ...fallback }],
      });
      await ask();
      const { headers, ends } = await ask();
      expect(headers["x-ratelimit-remaining-cost-usd"]).toBe(String(1 - 0.00199 - 0.000199));
      await ends({ input: 1, output: 99 });
      expect((await ask()).headers["x-ratelimit-remaining-cost-usd"]).toBe("0.997612");
    });

    it("refuse where they say so, or where the fallbacks only lead around", async () => {
      const { ask } = user({
        models: [
          { match: "gpt-4*", tokens: { month: 100 }, on_exceeded: "fallback", fallback: "other" },
          { match: "other", tokens: { month: 100 }, on_exceeded: "fallback", fallback: "gpt-4.1" },
          { match: "deepseek*", requests: { minute: 1 } },
        ],
      });
      expect((await ask()).exchange.ticket.model).toBeUndefined();
      expect((await ask()).exchange.ticket.model?.served).toBe("other");
      const { error, exchange } = await ask();
      expect(error!.message).toContain("for this consumer and the models other has no room");
      expect(exchange.body!.changed).toBe(false);
      await ask({ model: "deepseek-r1" });
      expect((await ask({ model: "deepseek-v3" })).error?.code).toBe("rate_limit_exceeded");
      expect((await ask({ model: "claude" })).headers).toEqual({});
    });
  });

  describe("a dry run", () => {
    it("lets pass, and says in a header, the log and a metric what it would have refused", async () => {
      const { ask } = user({ requests: { month: 1 }, dry_run: true });
      const would = { decision: "would_refuse" };
      const before = await counted("llm_rate_limit_decisions_total", would);
      expect((await ask()).headers).not.toHaveProperty("X-RateLimit-Dry-Run");
      const second = await ask();
      await ask();
      expect(second.answer).toBeUndefined();
      expect(second.headers["X-RateLimit-Dry-Run"]).toBe("requests per month");
      expect(await counted("llm_rate_limit_decisions_total", would)).toBe(before + 2);
      expect(log.warn).toHaveBeenCalledTimes(1);
      expect(log.warn).toHaveBeenCalledWith(
        expect.objectContaining({ identity: "consumer:alice", reason: "requests per month" }),
        "dry run: this request would be refused",
      );
    });

    it("changes no request: no cap, no fallback, and no price is no matter", async () => {
      const { ask } = user({
        ...{ dry_run: true, hard_cap: true, cost_usd: { month: 1 } },
        output_tokens: { month: 50 },
        models: [
          { match: "*", requests: { month: 1 }, on_exceeded: "fallback", fallback: "deepseek-v3" },
        ],
      });
      for (const model of ["gpt-4.1", "gpt-4.1", "unknown"]) {
        const { answer, exchange } = await ask({ model });
        expect(answer).toBeUndefined();
        expect(exchange.body!.changed).toBe(false);
      }
    });
  });

  describe("a tier", () => {
    it("has its own limits, and its consumers their own counts in it", async () => {
      const { ask } = user({
        requests: { month: 1 },
        tiers: [{ tags: ["gold"], requests: { month: 2 } }],
      });
      const gold = { id: "2", username: "bob", tags: ["gold"] };
      const other = { id: "3", username: "carol", tags: ["gold"] };
      const statuses = [];
      for (const who of [gold, gold, gold, other, alice, alice]) {
        statuses.push((await ask({}, who)).answer?.status);
      }
      expect(statuses).toEqual([undefined, undefined, 429, undefined, undefined, 429]);
    });
  });
});
