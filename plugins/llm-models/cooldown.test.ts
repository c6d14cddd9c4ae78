import { describe, expect, it } from "vitest";
import { Cooldowns, healthOf } from "./cooldown";

const tolerance = { failures: 3, windowMs: 10_000 };

/** A target that requests fail and succeed on, each sent and ended at that time. */
function target() {
  const known = new Cooldowns();
  return {
    known,
    fail: (at: number, more: { sentAt?: number; coolMs?: number; atOnce?: boolean } = {}) =>
      known.fail(
        "m",
        { sentAt: more.sentAt ?? at, endedAt: at, coolMs: 30_000, atOnce: false, ...more },
        tolerance,
      ),
    succeed: (at: number, sentAt = at) => known.succeed("m", sentAt, at),
    probe: (at: number) => known.takeProbe("m", at, 5000),
    health: (at: number) => healthOf(known.of("m"), at),
  };
}

describe("llm-models cooldown", () => {
  it("begins with the third failure within the window", () => {
    const { fail, health } = target();
    expect([fail(1000), fail(2000), fail(11_000)]).toEqual([false, false, true]);
    expect(health(11_000)).toBe("cooling");
  });

  it("does not begin while failures are rare", () => {
    const { fail, health } = target();
    for (let at = 1000; at < 100_000; at += 5001) expect(fail(at)).toBe(false);
    expect(health(100_000)).toBe("healthy");
  });

  it("begins at once where the upstream names a time, and ends then to the millisecond", () => {
    const { fail, health } = target();
    expect(fail(1000, { coolMs: 2000, atOnce: true })).toBe(true);
    expect(health(2999)).toBe("cooling");
    expect(health(3000)).toBe("due");
  });

  it("lets one request probe when it is over, and another one when that takes too long", () => {
    const { fail, probe, health } = target();
    fail(1000, { atOnce: true });
    expect(probe(30_999)).toBe(false);
    expect(probe(31_000)).toBe(true);
    expect(probe(31_000)).toBe(false);
    expect(health(35_999)).toBe("probed");
    expect(probe(36_000)).toBe(true);
  });

  it("is over for all when the probe is served", () => {
    const { fail, probe, succeed, health } = target();
    fail(1000, { atOnce: true });
    probe(31_000);
    expect(succeed(31_500, 31_000)).toBe(true);
    expect(health(31_500)).toBe("healthy");
    expect(succeed(31_600)).toBe(false);
  });

  it("begins anew when the probe fails, however seldom failures are", () => {
    const { fail, probe, health } = target();
    fail(1000, { atOnce: true });
    probe(31_000);
    expect(fail(31_500, { sentAt: 31_000 })).toBe(true);
    expect(health(61_499)).toBe("cooling");
    expect(health(61_500)).toBe("due");
  });

  it("goes on to another request when the probe has told nothing", () => {
    const { fail, probe, known } = target();
    fail(1000, { atOnce: true });
    probe(31_000);
    known.releaseProbe("m");
    expect(probe(31_001)).toBe(true);
  });

  it("is not prolonged or ended by requests that were sent before it", () => {
    const { fail, succeed, health } = target();
    fail(1000, { atOnce: true });
    expect(fail(20_000, { sentAt: 500, atOnce: true })).toBe(false);
    expect(succeed(20_000, 500)).toBe(false);
    expect(health(30_999)).toBe("cooling");
    expect(health(31_000)).toBe("due");
  });

  it("does not begin anew by a time-out of a request from before the model came back", () => {
    const { fail, probe, succeed, health } = target();
    fail(1000, { atOnce: true });
    probe(31_000);
    succeed(31_500, 31_000);
    expect(fail(60_000, { sentAt: 900, atOnce: true })).toBe(false);
    expect(health(60_000)).toBe("healthy");
  });

  it("ends early when a request of the last resort is served", () => {
    const { fail, succeed, health } = target();
    fail(1000, { atOnce: true });
    expect(succeed(3000, 2000)).toBe(true);
    expect(health(3000)).toBe("healthy");
  });
});
