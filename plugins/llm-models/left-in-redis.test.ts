import { describe, expect, it } from "vitest";
import { heardIn, tellArguments } from "./left-in-redis";

describe("llm-models", () => {
  describe("what nodes tell each other of an upstream's limits", () => {
    it("is told as distances, and read by the clock of the node", () => {
      const allowance = { tokens: { left: 5, resetAt: 9000 }, heardAt: 1000 };
      const told = tellArguments({ key: [1, 2], allowance }, 3000);
      expect(told).toEqual([1, 2, 2000, -1, 0, 5, 6000]);
      expect(heardIn(["1 2 1000 -1 0 5 9000"], 500)).toEqual([
        { key: [1, 2], allowance: { tokens: { left: 5, resetAt: 9500 }, heardAt: 1500 } },
      ]);
    });

    it.each(["", "0", "0 1 x 1 1 1 1", "0 1 1000 -1 0 5", "0 1 1000 -1 0 5 9000 7"])(
      "is left out where it cannot be read: %j",
      (field) => {
        expect(heardIn([field], 0)).toEqual([]);
      },
    );
  });
});
