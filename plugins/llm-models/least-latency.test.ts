import { describe, expect, it } from "vitest";
import { CooldownsInMemory } from "./cooldowns-in-memory";
import { bySoonest } from "./least-latency";
import { paceOf } from "./pace";

const kind = "stream";
const now = 1_000_000;

/** Targets with these means, heard so long ago; undefined: never heard. */
function node(means: Record<string, number | undefined>, agoMs: Record<string, number> = {}) {
  const cooldowns = new CooldownsInMemory(() => now);
  for (const [name, ms] of Object.entries(means)) {
    if (ms !== undefined) cooldowns.paces.hear(name, kind, paceOf(ms, now - (agoMs[name] ?? 0)));
  }
  const order = (chance = 0.5, more: object = {}) => {
    const asking = { kind, leaseMs: 30_000, now, chance, ...more } as const;
    const groups = bySoonest(cooldowns, Object.keys(means), (name) => name, asking);
    return groups.map((group) => group.join("=")).join(" ");
  };
  return { cooldowns, order };
}

describe("llm-models › least_latency", () => {
  it("asks who answers soonest", () => {
    expect(node({ a: 900, b: 200, c: 400 }).order()).toBe("b c a");
  });

  it("takes those for equal that are within a tenth or 20 ms of the best", () => {
    expect(node({ a: 1099, b: 1000, c: 1101 }).order()).toBe("a=b c");
    expect(node({ a: 25, b: 5, c: 26 }).order()).toBe("a=b c");
  });

  it("tries who was never heard, one request at a time", () => {
    const { order } = node({ a: 100, b: undefined, c: undefined });
    expect([order(), order(), order()]).toEqual(["b a c", "c a b", "a b=c"]);
    expect(order(0.5, { now: now + 30_000 })).toBe("b a c");
  });

  it("shares requests between those of whom nobody was heard yet", () => {
    const { order } = node({ a: undefined, b: undefined });
    expect([order(), order(), order()]).toEqual(["a b", "b a", "a=b"]);
  });

  it("now and then tries one again that was not heard for a minute, one request at a time", () => {
    const { order } = node({ a: 100, b: 900 }, { b: 60_000 });
    expect(order(0.05)).toBe("a b");
    expect([order(0.049), order(0.049)]).toEqual(["b a", "a b"]);
  });

  it("leaves one alone for a minute that was heard", () => {
    expect(node({ a: 100, b: 900 }, { b: 59_999 }).order(0)).toBe("a b");
  });

  it("tries nobody who cools", async () => {
    const { cooldowns, order } = node({ a: 100, b: undefined });
    const failure = { sentAt: now, endedAt: now, coolMs: 1000, atOnce: true };
    await cooldowns.fail("b", failure, { failures: 1, windowMs: 1000 });
    expect(order()).toBe("a b");
  });

  it("keeps streams apart from answers that come at once", () => {
    const { cooldowns, order } = node({ a: 100, b: 200 });
    cooldowns.paces.hear("a", "whole", paceOf(9000, now));
    cooldowns.paces.hear("b", "whole", paceOf(3000, now));
    expect(order(0.5, { kind: "whole" })).toBe("b a");
    expect(order()).toBe("a b");
  });
});
