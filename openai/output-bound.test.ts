import { describe, expect, it } from "vitest";
import { answersAsked, boundOutput, membersOf, outputBound } from "./output-bound";
import { RequestBody } from "./request-body";

function body(fields: object): RequestBody {
  const parsed = RequestBody.parse(JSON.stringify(fields));
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed;
}

describe("openai", () => {
  describe("the bound of an answer", () => {
    it.each<[string, object, number | undefined]>([
      ["chat/completions", { max_tokens: 10 }, 10],
      ["chat/completions", { max_tokens: 10, max_completion_tokens: 20 }, 20],
      ["completions", { max_tokens: 10, max_completion_tokens: 20 }, 10],
      ["responses", { max_tokens: 10, max_output_tokens: 30 }, 30],
      ["chat/completions", { max_tokens: 0 }, undefined],
      ["chat/completions", { max_tokens: 1.5 }, undefined],
      ["chat/completions", { max_tokens: "10" }, undefined],
      ["embeddings", { max_tokens: 10 }, undefined],
    ])("of %s with %j is %s", (endpoint, fields, expected) => {
      expect(outputBound(endpoint, body(fields))).toBe(expected);
    });

    it.each<[string, object, string]>([
      ["chat/completions", { max_tokens: 90 }, '{"max_tokens":50}'],
      ["chat/completions", { max_tokens: 50 }, '{"max_tokens":50}'],
      ["chat/completions", { max_tokens: 9 }, '{"max_tokens":9}'],
      ["chat/completions", { max_tokens: -1 }, '{"max_tokens":50}'],
      ["chat/completions", { max_tokens: "all" }, '{"max_tokens":50}'],
      ["chat/completions", { max_completion_tokens: 90 }, '{"max_completion_tokens":50}'],
      ["chat/completions", { max_tokens: null }, '{"max_tokens":50}'],
      ["chat/completions", {}, '{"max_tokens":50}'],
      ["responses", {}, '{"max_output_tokens":50}'],
      ["embeddings", {}, "{}"],
    ])("of %s with %j is set to 50 as %s", (endpoint, fields, expected) => {
      const bounded = body(fields);
      boundOutput(endpoint, bounded, 50);
      expect(bounded.text).toBe(expected);
    });

    it("exists where a model speaks", () => {
      const named = ["responses", "embeddings", "other"].map((one) => membersOf(one).length);
      expect(named).toEqual([1, 0, 0]);
    });

    it.each([
      [{}, 1],
      [{ n: 4 }, 4],
      [{ n: 2, best_of: 5 }, 5],
      [{ n: null, best_of: "9" }, 9],
      [{ n: "many", best_of: "1.5" }, 1],
      [{ n: 2, prompt: ["one", "two", "three"] }, 6],
      [{ prompt: [[1, 2, 3], [4]] }, 2],
      [{ prompt: [1, 2, 3] }, 1],
      [{ prompt: "one" }, 1],
      [{ prompt: [] }, 1],
      [{ n: 1e9 }, 1000],
    ])("is that of each answer: %j asks for %i", (fields, answers) => {
      expect(answersAsked(fields as Record<string, unknown>)).toBe(answers);
    });
  });
});
