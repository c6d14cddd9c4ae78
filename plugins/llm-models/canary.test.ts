import { describe, expect, it } from "vitest";
import { targetFor } from "./canary";

const callers = Array.from({ length: 20_000 }, (_, i) => `gpt-4\nconsumer-${i}`);

function share(weights: [string, number][], model: string): string[] {
  const targets = weights.map(([name, weight]) => ({ model: name, weight }));
  return callers.filter((caller) => targetFor(targets, caller) === model);
}

describe("llm-models canary", () => {
  it("gives a caller the same target each time", () => {
    const targets = [
      { model: "stable", weight: 1 },
      { model: "new", weight: 1 },
    ];
    expect(callers.slice(0, 500).map((caller) => targetFor(targets, caller))).toEqual(
      callers.slice(0, 500).map((caller) => targetFor(targets, caller)),
    );
    // The same on every node, in every release: a change of the hash would move callers.
    expect(["a", "b", "c", "d"].map((caller) => targetFor(targets, caller))).toEqual([
      "new",
      "stable",
      "stable",
      "stable",
    ]);
  });

  it("shares callers by weight", () => {
    const share95 = share(
      [
        ["stable", 95],
        ["new", 5],
      ],
      "new",
    );
    expect(share95.length / callers.length).toBeCloseTo(0.05, 2);
  });

  it("takes callers over when the last target's share grows, and gives none back", () => {
    const before = share(
      [
        ["stable", 95],
        ["new", 5],
      ],
      "new",
    );
    const after = share(
      [
        ["stable", 70],
        ["new", 30],
      ],
      "new",
    );
    expect(after.length).toBeGreaterThan(before.length);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  it("chooses anew for each alias", () => {
    const targets = [
      { model: "stable", weight: 1 },
      { model: "new", weight: 1 },
    ];
    const moved = callers.filter(
      (caller) => targetFor(targets, caller) !== targetFor(targets, caller.replace("gpt-4", "x")),
    );
    expect(moved.length / callers.length).toBeCloseTo(0.5, 1);
  });

  it.each([
    [[["a", 0]], undefined],
    [[], undefined],
    [
      [
        ["a", 0],
        ["b", 3],
      ],
      "b",
    ],
  ] as [[string, number][], string | undefined][])("of %j gives %s", (weights, expected) => {
    const targets = weights.map(([model, weight]) => ({ model, weight }));
    expect(targetFor(targets, "anybody")).toBe(expected);
  });
});
