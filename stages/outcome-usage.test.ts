import { describe, expect, it } from "vitest";
import { noUsage } from "../models/usage";
import type { Outcome } from "./outcome";
import { usageOfOutcome } from "./outcome-usage";

const stated = { usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 } };

function outcome(change: Partial<Outcome> = {}, endpoint = "chat/completions"): Outcome {
  return {
    ticket: { id: "r", started_at: 0, method: "POST", endpoint, stream: false, stages: {} },
    ...{ status: 200, source: "service", content_type: "application/json" },
    body: Buffer.from(JSON.stringify(stated)),
    ...{ bytes: 0, complete: true, truncated: false },
    ...{ started_at: 0, first_byte_at: 0, ended_at: 0, ...change },
  };
}

describe("kong", () => {
  describe("the usage of an outcome", () => {
    it("is what the answer states", () => {
      expect(usageOfOutcome(outcome(), 99)).toMatchObject({ input_tokens: 7, output_tokens: 5 });
    });

    it("is read once, whoever asks", () => {
      const ended = outcome();
      const first = usageOfOutcome(ended, 1);
      ended.body.fill(" ");
      expect(usageOfOutcome(ended, 2)).toBe(first);
    });

    it("is an estimate beside what each asker knows of the request, where nothing is stated", () => {
      const said = { choices: [{ message: { content: "x".repeat(40) } }] };
      const ended = outcome({ body: Buffer.from(JSON.stringify(said)) });
      for (const input_tokens of [3, 4]) {
        const expected = { input_tokens, output_tokens: 10, estimated: true };
        expect(usageOfOutcome(ended, input_tokens)).toMatchObject(expected);
      }
    });

    it.each<[string, Outcome]>([
      ["a hit", outcome({ source: "cache" })],
      ["a failed call", outcome({ status: 500 })],
      ["a broken upstream", outcome({ source: "error", status: 502 })],
      ["a list of models", outcome({}, "models")],
    ])("is nothing for %s", (_, ended) => {
      expect(usageOfOutcome(ended, 99)).toBe(noUsage);
    });

    it("is the prompt, estimated, for a client that left before its answer", () => {
      const left = outcome({ status: 499, complete: false, body: Buffer.alloc(0) });
      const prompt = { ...noUsage, input_tokens: 99, estimated: true };
      expect(usageOfOutcome(left, 99)).toEqual(prompt);
      expect(usageOfOutcome(outcome({ status: 499 }, "models"), 99)).toBe(noUsage);
    });

    it("is not known where answers are not read", () => {
      expect(usageOfOutcome(outcome({}, "other"), 99)).toBeUndefined();
    });
  });
});
