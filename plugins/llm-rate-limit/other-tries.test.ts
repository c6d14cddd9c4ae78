import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestBody } from "../../openai/request-body";
import type { Consumer, Exchange } from "../../stages/exchange";
import { log } from "../../stages/log";
import { prepareStage } from "../../stages/stage";
import type { OtherTry } from "../../stages/upstream";
import type { Reservation } from "./reservation";
import { rateLimitOptions } from "./schema";
import { stage } from "./stage";

beforeEach(() => {
  vi.spyOn(log, "warn").mockImplementation(() => undefined);
});
afterEach(() => vi.restoreAllMocks());

const prices = [
  { model: "cheap", input_usd_per_mtok: 1, output_usd_per_mtok: 1 },
  { model: "dear", input_usd_per_mtok: 1, output_usd_per_mtok: 10 },
];
const alice: Consumer = { id: "1", username: "alice" };
let serial = 0;

const other = (model: string, provider?: string): OtherTry => ({
  ...{ model, label: model, fallback_from: "cheap", headers: {} },
  ...(provider && { upstream: { provider } as OtherTry["upstream"] }),
});

/** What is left of the other tries, and the dollars that were reserved, in billionths. */
async function ask(options: object, others: OtherTry[]) {
  const namespace = `tries-${process.pid}-${++serial}`;
  const limits = rateLimitOptions.parse({ namespace, prices, policy: "local", ...options });
  const id = `tries-${process.pid}-${serial}`;
  const text = JSON.stringify({ model: "cheap", max_tokens: 1000, messages: [] });
  const exchange: Exchange = {
    request: { id, method: "POST", path: "/v1/chat/completions", client_ip: "192.0.2.1" },
    consumer: alice,
    body: RequestBody.parse(text) as RequestBody,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      ...{ id, started_at: 0, method: "POST", endpoint: "chat/completions", provider: "a" },
      ...{ stream: false, stages: {} },
    },
    keep: 0,
    mostOthers: 3,
    others,
  };
  const decided = await prepareStage(stage, limits).decide(exchange);
  const reserved = (decided?.note as Reservation | undefined)?.reserved ?? [];
  const dollars = (reserved as unknown as unknown[][]).find(([measure]) => measure === "cost_usd");
  const answer = decided && "answer" in decided ? decided.answer.status : 200;
  return { answer, others: exchange.others?.map(({ model }) => model), reserved: dollars?.[4] };
}

describe("llm-rate-limit", () => {
  describe("for a request with further tries", () => {
    it("reserves for the dearest of them", async () => {
      const alone = await ask({ cost_usd: { day: 1 } }, []);
      const both = await ask({ cost_usd: { day: 1 } }, [other("dear")]);
      expect(alone).toMatchObject({ answer: 200, others: [] });
      expect(both).toMatchObject({ answer: 200, others: ["dear"] });
      // A thousand tokens of output at ten dollars a million in place of one.
      expect(Number(both.reserved) - Number(alone.reserved)).toBe(9_000_000);
    });

    it("reserves at the prices of each one's provider", async () => {
      const own = ["a", "b"].map((name, at) => ({ ...prices[at]!, model: `${name}/cheap` }));
      const given = { cost_usd: { day: 1 }, prices: [...own, { ...prices[1]!, model: "*" }] };
      const alone = await ask(given, []);
      const both = await ask(given, [other("cheap", "b")]);
      // Output at one dollar a million by a's price, at ten by b's.
      expect(Number(alone.reserved)).toBeLessThan(1_100_000);
      expect(Number(both.reserved) - Number(alone.reserved)).toBe(9_000_000);
    });

    it("leaves the first try alone where there is no room for the dearest", async () => {
      const alone = await ask({ cost_usd: { day: 0.002 } }, [other("dear")]);
      expect(alone).toMatchObject({ answer: 200, others: [] });
    });

    it("refuses where there is no room for the first", async () => {
      expect(await ask({ cost_usd: { day: 0.0005 } }, [other("dear")])).toMatchObject({
        answer: 429,
      });
    });

    it.each([
      ["a model with limits of its own", { models: [{ match: "dear", requests: { day: 9 } }] }],
      ["a model of a level", { levels: [{ by: "model", requests: { day: 9 } }] }],
      ["another provider of a level", { levels: [{ by: "provider", requests: { day: 9 } }] }],
      [
        "a model without a price where dollars are limited",
        { cost_usd: { day: 1 }, prices: [prices[0]], unpriced_models: "refuse" },
      ],
    ])("leaves out %s", async (_, options) => {
      const name = "prices" in options ? "nobody-knows-it" : "dear";
      expect((await ask(options, [other(name, "b")])).others).toEqual([]);
    });

    it("keeps a model that one rule limits together with the first", async () => {
      const models = [{ match: "*", requests: { day: 9 } }];
      expect((await ask({ models }, [other("dear", "b")])).others).toEqual(["dear"]);
    });
  });
});
