import { describe, expect, it } from "vitest";
import { CooldownsInMemory } from "./cooldowns-in-memory";

const tolerance = { failures: 3, windowMs: 10_000 };

/** A target that requests fail and succeed on, each sent and ended at that time. */
function target() {
  let now = 0;
  const known = new CooldownsInMemory(() => now);
  const failure = (at: number) => ({ sentAt: at, endedAt: at, coolMs: 30_000, atOnce: false });
  return {
    known,
    fail: (at: number, more: { sentAt?: number; coolMs?: number; atOnce?: boolean } = {}) =>
      known.fail("m", { ...failure(at), ...more }, tolerance),
    succeed: (at: number, sentAt = at) => known.succeed("m", sentAt, at),
    probe: async (at: number) => {
      now = at;
      return (await known.takeProbe("m", 5000)) === 0;
    },
    health: (at: number) => {
      now = at;
      return known.healthOf("m");
    },
  };
}

describe("llm-models cooldown in memory, by a given clock", () => {
  it("begins with the third failure within the window", async () => {
    const { fail, health } = target();
    expect([await fail(1000), await fail(2000), await fail(11_000)]).toEqual([false, false, true]);
    expect(health(11_000)).toBe("cooling");
  });

  it("does not begin while failures are rare", async () => {
    const { fail, health } = target();
    for (let at = 1000; at < 100_000; at += 5001) expect(await fail(at)).toBe(false);
    expect(health(100_000)).toBe("healthy");
  });

  it("begins at once where the upstream names a time, and ends then to the millisecond", async () => {
    const { fail, health } = target();
    expect(await fail(1000, { coolMs: 2000, atOnce: true })).toBe(true);
    expect(health(2999)).toBe("cooling");
    expect(health(3000)).toBe("due");
  });

  it("lets one request probe when it is over, and another one when that takes too long", async () => {
    const { fail, probe, health } = target();
    await fail(1000, { atOnce: true });
    expect(await probe(30_999)).toBe(false);
    expect(await probe(31_000)).toBe(true);
    expect(await probe(31_000)).toBe(false);
    expect(health(35_999)).toBe("probed");
    expect(await probe(36_000)).toBe(true);
  });

  it("is over for all when the probe is served", async () => {
    const { fail, probe, succeed, health } = target();
    await fail(1000, { atOnce: true });
    await probe(31_000);
    expect(await succeed(31_500, 31_000)).toBe(true);
    expect(health(31_500)).toBe("healthy");
    expect(await succeed(31_600)).toBe(false);
  });

  it("begins anew when the probe fails, however seldom failures are", async () => {
    const { fail, probe, health } = target();
    await fail(1000, { atOnce: true });
    await probe(31_000);
    expect(await fail(31_500, { sentAt: 31_000 })).toBe(true);
    expect(health(61_499)).toBe("cooling");
    expect(health(61_500)).toBe("due");
  });

  it("goes on to another request when the probe has told nothing", async () => {
    const { fail, probe, known } = target();
    await fail(1000, { atOnce: true });
    await probe(31_000);
    await known.releaseProbe("m");
    expect(await probe(31_001)).toBe(true);
  });

  it("is not prolonged or ended by requests that were sent before it", async () => {
    const { fail, succeed, health } = target();
    await fail(1000, { atOnce: true });
    expect(await fail(20_000, { sentAt: 500, atOnce: true })).toBe(false);
    expect(await succeed(20_000, 500)).toBe(false);
    expect(health(30_999)).toBe("cooling");
    expect(health(31_000)).toBe("due");
  });

  it("does not begin anew by a time-out of a request from before the model came back", async () => {
    const { fail, probe, succeed, health } = target();
    await fail(1000, { atOnce: true });
    await probe(31_000);
    await succeed(31_500, 31_000);
    expect(await fail(60_000, { sentAt: 900, atOnce: true })).toBe(false);
    expect(health(60_000)).toBe("healthy");
  });

  it("ends early when a request of the last resort is served", async () => {
    const { fail, succeed, health } = target();
    await fail(1000, { atOnce: true });
    expect(await succeed(3000, 2000)).toBe(true);
    expect(health(3000)).toBe("healthy");
  });
});
