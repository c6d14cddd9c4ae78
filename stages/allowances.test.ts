import { describe, expect, it } from "vitest";
import { adopt, allowancesAt, countSent, hear, targetName } from "./allowances";
import type { Outcome } from "./outcome";
import type { KeyOfMany } from "./ticket";

let serial = 0;
const newTarget = () => targetName("service", `model-${++serial}`);

function answered(requests: string, first_byte_at: number, key?: KeyOfMany): Outcome {
  const left = { requests, requests_reset: "60s", tokens: "", tokens_reset: "" };
  return { source: "service", left, first_byte_at, ticket: { key } } as Outcome;
}

const leftAt = (target: string) => allowancesAt(target).map((one) => one?.requests?.left);

describe("what is known of an upstream's limits", () => {
  it("is what its latest answer told, in whichever order outcomes come", () => {
    const target = newTarget();
    hear(target, answered("9", 2000));
    hear(target, answered("10", 1000));
    expect(leftAt(target)).toEqual([9]);
  });

  it("is told to its stages as news once", () => {
    const target = newTarget();
    expect(hear(target, answered("9", 2000))).toMatchObject({ key: [0, 1] });
    expect(hear(target, answered("9", 2000))).toBeUndefined();
  });

  it("is kept for each key", () => {
    const target = newTarget();
    hear(target, answered("9", 1000, [2, 3]));
    hear(target, answered("4", 2000, [0, 3]));
    expect(leftAt(target)).toEqual([4, undefined, 9]);
  });

  it("counts what was sent since, and never below nothing", () => {
    const target = newTarget();
    hear(target, answered("2", 1000));
    for (let sent = 0; sent < 3; sent++) countSent(target, 0);
    expect(leftAt(target)).toEqual([0]);
    countSent(newTarget(), 0);
  });

  it("takes nothing over that fits no key", () => {
    const target = newTarget();
    const allowance = { heardAt: 1 };
    for (const key of [
      [1, 1],
      [-1, 2],
      [0, 1e9],
      ["0", "x"],
    ] as KeyOfMany[]) {
      expect(adopt(target, { key, allowance })).toBe(false);
    }
    expect(allowancesAt(target)).toEqual([undefined]);
  });
});
