// The arithmetic of windows, slow and exact, to compare the fast one with: it keeps every take, finds
// buckets by division or by how a date is written, and compares fractions as whole numbers.

import { expect } from "vitest";
import type { Taken } from "../../plugins/llm-rate-limit/counts";
import { type Limit, noOutput, type Output, type Take } from "../../plugins/llm-rate-limit/limit";

export const lengths: Partial<Record<Limit["window"], number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
};

export class Model {
  private readonly takes: { at: number; amount: number }[] = [];

  constructor(private readonly limit: Limit) {}

  /** Returns what corrects the amount later. */
  take(at: number, amount: number): (used: number) => void {
    const taken = { at, amount };
    this.takes.push(taken);
    return (used) => {
      taken.amount = used;
    };
  }

  fits(at: number, amount: number): boolean {
    const { window, most } = this.limit;
    const length = lengths[window];
    if (!length) {
      const digits = window === "day" ? 10 : 7;
      const bucket = (time: number) => new Date(time).toISOString().slice(0, digits);
      return this.sum((time) => bucket(time) === bucket(at)) + amount <= most;
    }
    const bucket = (time: number) => Math.floor(time / length);
    const current = this.sum((time) => bucket(time) === bucket(at));
    const previous = this.sum((time) => bucket(time) === bucket(at) - 1);
    const covered = length - (at - bucket(at) * length);
    const used = BigInt(current + amount) * BigInt(length) + BigInt(previous) * BigInt(covered);
    return used <= BigInt(most) * BigInt(length);
  }

  /** The largest amount that fits; 0 also where not even that does. */
  remaining(at: number): number {
    let fits = 0;
    for (let more = this.limit.most; more > 0; ) {
      if (this.fits(at, fits + more)) fits += more;
      else more = Math.floor(more / 2);
    }
    return fits;
  }

  private sum(counts: (at: number) => boolean): number {
    return this.takes.reduce((sum, { at, amount }) => sum + (counts(at) ? amount : 0), 0);
  }
}

/**
 * What a decision must say, if its limits stand as the models do.
 * @returns what corrects the amount taken from each later
 */
export function expectAsModelled(
  taken: Taken,
  takes: Take[],
  models: Model[],
  now: number,
  { wanted, least }: Output = noOutput,
): ((used: number) => void)[] {
  const fits = (output: number, at: number) =>
    takes.map(({ amount, each }, i) => models[i]!.fits(at, amount + each * output));
  const fit = fits(least, now);
  expect(taken.taken).toBe(fit.every(Boolean));
  let output = wanted;
  if (taken.taken) {
    while (!fits(output, now).every(Boolean)) output--;
    expect(taken.output).toBe(output);
  }
  return takes.map(({ limit, amount, each }, i) => {
    const model = models[i]!;
    const { remaining, resetMs, waitMs } = taken.limits[i]!;
    if (fit[i]) expect(waitMs).toBe(0);
    else if (amount + each * least > limit.most) expect(waitMs).toBe(Number.POSITIVE_INFINITY);
    else {
      expect(fits(least, now + waitMs)[i]).toBe(true);
      expect(fits(least, now + waitMs - 1)[i]).toBe(false);
    }
    const settle = model.take(now, taken.taken ? amount + each * output : 0);
    expect(remaining).toBe(model.remaining(now));
    expect(model.remaining(now + resetMs)).toBe(limit.most);
    if (resetMs > 0) expect(model.remaining(now + resetMs - 1)).toBeLessThan(limit.most);
    return settle;
  });
}
