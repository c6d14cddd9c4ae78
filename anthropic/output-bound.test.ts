import { describe, expect, it } from "vitest";
import { RequestBody } from "../openai/request-body";
import { boundOutput, leastOutputBound, membersOf, outputBound } from "./output-bound";

function bodyOf(fields: object): RequestBody {
  const body = RequestBody.parse(JSON.stringify(fields));
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  return body;
}

const bound = (fields: object) => outputBound("messages", bodyOf(fields));
const least = (fields: object) => leastOutputBound("messages", bodyOf(fields));
const thinking = { type: "enabled", budget_tokens: 2000 };

/** What goes upstream when the answer is bounded by so many tokens; undefined where it cannot be. */
function bounded(fields: object, tokens: number): unknown {
  const body = bodyOf(fields);
  const before = body.text;
  if (boundOutput("messages", body, tokens)) return JSON.parse(body.text);
  expect(body.text).toBe(before);
  return undefined;
}

describe("output-bound", () => {
  it("is for messages alone: a count of tokens writes nothing", () => {
    expect(membersOf("messages")).toEqual(["max_tokens"]);
    expect(membersOf("messages/count_tokens")).toEqual([]);
    expect(outputBound("messages/count_tokens", bodyOf({ max_tokens: 9 }))).toBeUndefined();
  });

  it("is max_tokens, which may be 0", () => {
    expect(bound({ max_tokens: 1024 })).toBe(1024);
    expect(bound({ max_tokens: 0 })).toBe(0);
    expect(bound({})).toBeUndefined();
    expect(bound({ max_tokens: "many" })).toBeUndefined();
    expect(bound({ max_tokens: -1 })).toBeUndefined();
  });

  it("lowers a higher bound and leaves a lower one", () => {
    expect(bounded({ max_tokens: 1024 }, 100)).toEqual({ max_tokens: 100 });
    expect(bounded({ max_tokens: 50 }, 100)).toEqual({ max_tokens: 50 });
    expect(bounded({ max_tokens: 0 }, 100)).toEqual({ max_tokens: 0 });
  });

  it.each([{}, { max_tokens: null }, { max_tokens: "many" }])("sets one in %j", (fields) => {
    expect(bounded(fields, 100)).toEqual({ max_tokens: 100 });
  });

  describe("with thinking", () => {
    it("stays above its budget, or says that it cannot", () => {
      const fields = { max_tokens: 4000, thinking };
      expect(least(fields)).toBe(2001);
      expect(bounded(fields, 2001)).toEqual({ max_tokens: 2001, thinking });
      expect(bounded(fields, 2000)).toBeUndefined();
      expect(bounded({ thinking }, 2000)).toBeUndefined();
    });

    it("has no such least where the budget is of a whole turn with tools", () => {
      const fields = { max_tokens: 1500, thinking };
      expect(least(fields)).toBe(1);
      expect(bounded(fields, 100)).toEqual({ max_tokens: 100, thinking });
    });

    it.each([
      { type: "adaptive" },
      { type: "disabled" },
      { type: "enabled", budget_tokens: "x" },
      null,
    ])("has no such least for %j", (other) => {
      expect(least({ max_tokens: 4000, thinking: other })).toBe(1);
    });
  });

  describe("with fallbacks of the upstream", () => {
    const fallbacks = [{ model: "a" }, { model: "b", max_tokens: 9000 }];

    it("is the highest of all attempts", () => {
      expect(bound({ max_tokens: 100, fallbacks })).toBe(9000);
    });

    it("lowers each that is higher", () => {
      expect(bounded({ max_tokens: 100, fallbacks }, 500)).toEqual({
        max_tokens: 100,
        fallbacks: [{ model: "a" }, { model: "b", max_tokens: 500 }],
      });
    });

    it("stays above the budgets of all", () => {
      const thinks = [{ model: "b", thinking }];
      expect(least({ max_tokens: 9000, fallbacks: thinks })).toBe(2001);
    });

    it("leaves the upstream's own choice as it is", () => {
      expect(bounded({ max_tokens: 900, fallbacks: "default" }, 500)).toEqual({
        max_tokens: 500,
        fallbacks: "default",
      });
    });
  });
});
