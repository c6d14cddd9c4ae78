import { describe, expect, it } from "vitest";
import { sparing } from "./sparing";

function reader(tookMs: number) {
  const clock = { now: 1_000_000, reads: 0 };
  const read = sparing(
    async () => {
      clock.reads++;
      clock.now += tookMs;
      await Promise.resolve();
      return clock.reads;
    },
    () => clock.now,
  );
  return { clock, read };
}

describe("what the page reads", () => {
  it("is read once for all who ask at once, and anew after five seconds", async () => {
    const { clock, read } = reader(0);
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
    clock.now += 4999;
    expect(await read()).toBe(1);
    clock.now += 1;
    expect(await read()).toBe(2);
  });

  it("is good for twenty times as long as it took, and five minutes at the most", async () => {
    const { clock, read } = reader(2000);
    await read();
    clock.now += 39_999;
    expect(await read()).toBe(1);
    clock.now += 1;
    expect(await read()).toBe(2);
    const slow = reader(60_000);
    await slow.read();
    slow.clock.now += 300_000;
    expect(await slow.read()).toBe(2);
  });

  it("is read again at once where it failed", async () => {
    let reads = 0;
    const read = sparing(async () => {
      if (reads++ === 0) throw new Error("away");
      return reads;
    });
    await expect(read()).rejects.toThrow("away");
    expect(await read()).toBe(2);
  });
});
