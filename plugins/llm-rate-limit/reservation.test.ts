import { describe, expect, it } from "vitest";
import { noDemand } from "./demand";
import type { Limit } from "./limit";
import { reservation, reservationIn, reserve } from "./reservation";
import type { TakenAttempt } from "./take";

const tokens: Limit = { measure: "tokens", window: "minute", most: 1000 };
const dollars: Limit = { measure: "cost_usd", window: "month", most: 1e9, model: "gpt-4*" };
const requests: Limit = { measure: "requests", window: "day", most: 10 };
const lease: Limit = { measure: "concurrency", window: "lease", most: 5 };
const team = { kind: "team", key: "team:team-a" } as const;
const alice = { kind: "consumer", key: "consumer:alice" } as const;

function taken(takes: TakenAttempt["takes"]): TakenAttempt {
  const limits = takes.map(({ limit }) => ({
    ...{ limit, start: limit.window === "lease" ? 0 : 60_000 },
    ...{ remaining: 0, resetMs: 0, waitMs: 0 },
  }));
  const counted = { taken: true, at: 0, output: 10, limits, policy: "redis" } as const;
  const demand = { ...noDemand, inputTokens: 14 };
  return {
    ...{ result: "taken", model: "gpt-4.1", takes, demand },
    ...{ counted: { ...counted, limits }, isRaised: false },
  };
}

describe("llm-rate-limit", () => {
  describe("a reservation", () => {
    it("is known again from what came back through Kong, in few bytes", () => {
      const note = reserve(
        taken([
          { limit: tokens, amount: 14, each: 2 },
          { limit: dollars, who: team, amount: 500, each: 0 },
          { limit: requests, amount: 1, each: 0 },
          { limit: lease, amount: 1, each: 0 },
        ]),
        alice,
      );
      const sent = JSON.stringify(note);
      expect(sent.length).toBeLessThan(300);
      expect(reservationIn(reservation.parse(JSON.parse(sent)))).toEqual({
        ...{ policy: "redis", identity: "consumer:alice", model: "gpt-4.1", input_tokens: 14 },
        reserved: [
          { limit: { ...tokens, most: 0 }, start: 60_000, amount: 34 },
          { limit: { ...dollars, most: 0 }, start: 60_000, amount: 500, who: "team:team-a" },
          { limit: { ...lease, most: 0 }, start: 0, amount: 1 },
        ],
      });
    });

    it("is none where nothing is to be settled", () => {
      expect(reserve(taken([{ limit: requests, amount: 1, each: 0 }]), alice)).toBeUndefined();
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
        reserved: [["tokens", "eon", null, 0, 1]],
      },
      {
        policy: "redis",
        identity: "a",
        input_tokens: 1,
        reserved: [["tokens", "day", null, 0, -9]],
      },
    ])("is not made from %j", (other) => {
      expect(reservation.safeParse(other).success).toBe(false);
    });
  });
});
