import { describe, expect, it } from "vitest";
import { together } from "./together";

describe("questions that are asked together", () => {
  it("are those of one turn, in their order, and each gets its own reply", async () => {
    const asked: number[][] = [];
    const double = together(async (numbers: number[]) => {
      asked.push(numbers);
      return numbers.map((number) => number * 2);
    });

    const first = [double(1), double(2), Promise.resolve().then(() => double(3))];
    expect(await Promise.all(first)).toEqual([2, 4, 6]);
    expect(await double(4)).toBe(8);
    expect(asked).toEqual([[1, 2, 3], [4]]);
  });

  it("are few at a time, so that nobody waits for long", async () => {
    const asked: number[] = [];
    const echo = together(async (numbers: number[]) => {
      asked.push(numbers.length);
      return numbers;
    });

    const numbers = Array.from({ length: 120 }, (_, number) => number);
    expect(await Promise.all(numbers.map(echo))).toEqual(numbers);
    expect(asked).toEqual([50, 50, 20]);
  });

  it("all fail where they cannot be asked, and those of the next turn are asked again", async () => {
    let isDown = true;
    const echo = together(async (numbers: number[]) => {
      if (isDown) throw new Error("away");
      return numbers;
    });

    const results = await Promise.allSettled([echo(1), echo(2)]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    isDown = false;
    expect(await echo(3)).toBe(3);
  });
});
