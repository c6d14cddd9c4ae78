import { describe, expect, it } from "vitest";
import type { Price } from "../../models/price";
import { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import type { Limit, Measure } from "./limit";
import {
  correctionsOf,
  demandOf,
  reservation as note,
  type Reservation,
  reservedOf,
  takesOf,
} from "./reservation";
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
        measures.map((measure) => limit(measure)),
        demand,
        price,
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
      const [take] = takesOf([limit("cost_usd")], demand, cached);
      expect(take).toMatchObject({ amount: 14 * 420, each: 3 * 1500 });
    });
  });

  describe("the settlement", () => {
    const usage = { prompt_tokens: 20, completion_tokens: 30, total_tokens: 50 };
    const reservation: Reservation = {
      ...{ policy: "local", identity: "consumer:alice", model: "m", input_tokens: 14 },
      reserved: [
        { limit: limit("tokens"), start: 60_000, amount: 114 },
        { limit: limit("output_tokens"), start: 60_000, amount: 100 },
        { limit: limit("cost_usd"), start: 60_000, amount: 155_880 },
        { limit: limit("concurrency"), start: 0, amount: 1 },
      ],
    };

    function ended(change: Partial<Outcome> = {}): Outcome {
      const { ticket } = asking(undefined);
      return {
        ...{ ticket, status: 200, source: "service", content_type: "application/json" },
        body: Buffer.from(JSON.stringify({ usage })),
        ...{ complete: true, truncated: false, started_at: 0, first_byte_at: 0, ended_at: 0 },
        ...change,
      };
    }

    const changes = (outcome: Outcome, hardCap = false) =>
      correctionsOf(outcome, reservation, price, hardCap, ({ measure }) => measure).map(
        ({ change }) => change,
      );

    it("gives back what the answer has not used, in the windows where it was taken", () => {
      const corrections = correctionsOf(ended(), reservation, price, false, (l) => l.measure);
      expect(corrections).toEqual([
        { name: "tokens", window: "minute", start: 60_000, change: 50 - 114 },
        { name: "output_tokens", window: "minute", start: 60_000, change: 30 - 100 },
        {
          name: "cost_usd",
          window: "minute",
          start: 60_000,
          change: 20 * 420 + 30 * 1500 - 155_880,
        },
        { name: "concurrency", window: "lease", start: 0, change: -1 },
      ]);
    });

    it.each<[string, Partial<Outcome>]>([
      ["a hit", { source: "cache" }],
      ["a refusal of ours", { source: "gateway", status: 503 }],
      ["a failed call", { status: 500 }],
      ["an upstream that cannot be reached", { source: "error", status: 502 }],
      ["an answer of another plugin", { source: "exit", status: 403 }],
    ])("gives all back after %s", (_, outcome) => {
      expect(changes(ended(outcome))).toEqual([-114, -100, -155_880, -1]);
    });

    it("keeps what was reserved for a client that left before its answer: the upstream bills it", () => {
      const left = {
        status: 499,
        complete: false,
        cut_by: "client",
        body: Buffer.alloc(0),
      } as const;
      expect(changes(ended(left)).slice(0, 3)).toEqual([0, 0, 0]);
    });

    it("takes more where more was used", () => {
      const more = { prompt_tokens: 1000, completion_tokens: 1, total_tokens: 1001 };
      const body = Buffer.from(JSON.stringify({ usage: more }));
      expect(changes(ended({ body }))[0]).toBe(1001 - 114);
    });

    it("counts the text where no usage is stated; at least as reserved where nothing may be passed", () => {
      const said = { choices: [{ message: { content: "x".repeat(80) } }] };
      const body = Buffer.from(JSON.stringify(said));
      expect(changes(ended({ body }))[0]).toBe(14 + 20 - 114);
      expect(changes(ended({ body }), true)[0]).toBe(0);
      expect(changes(ended({ body: body.subarray(30), truncated: true }))[0]).toBe(0);
    });

    it("is known again from what came back through Kong", () => {
      const takes = reservation.reserved.map(({ limit, amount }) => ({ limit, amount, each: 0 }));
      const states = reservation.reserved.map(({ limit, start }) => ({
        ...{ limit, start, remaining: 0, resetMs: 0, waitMs: 0 },
      }));
      const reserved = reservedOf(takes, 0, states);
      const sent = JSON.stringify({ ...reservation, reserved });
      expect(note.parse(JSON.parse(sent))).toEqual(reservation);
    });

    it.each([
      null,
      "text",
      {},
      { policy: "elsewhere", identity: "a", input_tokens: 1, reserved: [] },
      { policy: "redis", identity: "a", input_tokens: -1, reserved: [] },
      {
        policy: "redis",
        identity: "a",
        input_tokens: 1,
        reserved: [["tokens", "eon", 1, null, 0, 1]],
      },
      {
        policy: "redis",
        identity: "a",
        input_tokens: 1,
        reserved: [["tokens", "day", 1, null, 0, -9]],
      },
    ])("is not made from %j", (other) => {
      expect(note.safeParse(other).success).toBe(false);
    });
  });
});
