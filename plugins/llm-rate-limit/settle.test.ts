import { describe, expect, it } from "vitest";
import type { Price } from "../../models/price";
import type { Outcome } from "../../stages/outcome";
import type { Limit, Measure } from "./limit";
import type { Reservation } from "./reservation";
import { correctionsOf } from "./settle";

function limit(measure: Measure, most = 1_000_000): Limit {
  return { measure, window: measure === "concurrency" ? "lease" : "minute", most };
}

const price: Price = { input_usd_per_mtok: 0.42, output_usd_per_mtok: 1.5 };

describe("llm-rate-limit", () => {
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
      const endpoint = "chat/completions";
      const ticket = {
        id: "r",
        started_at: 0,
        method: "POST",
        endpoint,
        stream: false,
        stages: {},
      };
      return {
        ...{ ticket, status: 200, source: "service", content_type: "application/json" },
        body: Buffer.from(JSON.stringify({ usage })),
        ...{ complete: true, truncated: false, started_at: 0, first_byte_at: 0, ended_at: 0 },
        ...change,
      };
    }

    const changes = (outcome: Outcome, hardCap = false) =>
      correctionsOf(outcome, reservation, price, hardCap).map(({ change }) => change);

    it("gives back what the answer has not used, in the windows where it was taken", () => {
      const corrections = correctionsOf(ended(), reservation, price, false);
      expect(corrections).toEqual([
        { limit: limit("tokens"), start: 60_000, change: 50 - 114 },
        { limit: limit("output_tokens"), start: 60_000, change: 30 - 100 },
        {
          limit: limit("cost_usd"),
          start: 60_000,
          change: 20 * 420 + 30 * 1500 - 155_880,
        },
        { limit: limit("concurrency"), start: 0, change: -1 },
      ]);
    });

    it("counts what another model took in its place at the price of that one", () => {
      const took = {
        input_tokens: 20,
        output_tokens: 30,
        type: "fallback_message",
        model: "other",
      };
      const body = Buffer.from(
        JSON.stringify({ content: [], usage: { ...took, iterations: [took] } }),
      );
      const outcome = ended({ body });
      outcome.ticket.endpoint = "messages";
      const priceOf = () => ({ input_usd_per_mtok: 1, output_usd_per_mtok: 2 });
      const corrections = correctionsOf(outcome, reservation, price, false, priceOf);
      expect(corrections[2]?.change).toBe(20 * 1000 + 30 * 2000 - 155_880);
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
  });
});
