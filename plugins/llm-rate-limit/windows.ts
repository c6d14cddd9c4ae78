// The arithmetic of windows, as take.lua has it too: what is used of a limit at a time, and when an
// amount will fit. Second, minute and hour slide: the bucket of the clock counts whole, the bucket
// before it by the share that a window ending now still covers. Day and month start anew, by a calendar.
// Amounts are whole numbers up to 2^53 (dollars are counted in billionths), and all of it is exact.

import { type Calendar, utc } from "./calendar";

export const windows = ["second", "minute", "hour", "day", "month"] as const;

export type Window = (typeof windows)[number];

/** What was taken in the bucket that starts at `start` (ms since the epoch), and in the one before. */
export interface Tally {
  start: number;
  count: number;
  previous: number;
  /** Of a day or month: when it ends, by the calendar that it began with. */
  end?: number;
}

const lengths = { second: 1000, minute: 60_000, hour: 3_600_000 };

/** The tally at `now` that follows from a stored one. */
export function tallyAt(
  window: Window,
  stored: Tally | undefined,
  now: number,
  calendar: Calendar = utc,
): Tally {
  // A clock that went back is not followed, and a calendar that was changed only when the day or month that
  // it met has ended: nothing that was taken is forgotten.
  if (slides(window)) {
    const start = now - (now % lengths[window]);
    if (stored && stored.start >= start) return stored;
    const justBefore = stored && stored.start + lengths[window] === start;
    return { start, count: 0, previous: justBefore ? stored.count : 0 };
  }
  const { start, end } = calendar.periodAt(window, now);
  if (stored && (stored.start >= start || (stored.end ?? 0) > now)) return stored;
  return { start, count: 0, previous: 0, end };
}

/** What is used of the limit at `now`, rounded up: whole amounts fit exactly when they fit beside it. */
export function usedOf(window: Window, tally: Tally, now: number): number {
  if (!slides(window) || tally.previous === 0) return tally.count;
  const length = lengths[window];
  const covered = Math.min(length, tally.start + length - now);
  return tally.count + shareOf(tally.previous, covered, length);
}

/**
 * Milliseconds until `amount` fits into `most`, if nothing else is taken until then: exactly then it
 * fits, one millisecond before it does not. 0 where it fits now, Infinity where it never will.
 */
export function waitFor(
  window: Window,
  tally: Tally,
  amount: number,
  most: number,
  now: number,
  calendar: Calendar = utc,
): number {
  if (usedOf(window, tally, now) + amount <= most) return 0;
  if (amount > most) return Number.POSITIVE_INFINITY;
  const end = endOf(window, tally, calendar);
  if (!slides(window)) return end - now;
  const length = lengths[window];
  const room = most - amount - tally.count;
  // Beside this bucket's count it fits once enough of the previous bucket has slid out; otherwise
  // this bucket itself must slide out, which it does once it is the previous one.
  if (room >= 0) return end - coveredWithin(room, tally.previous, length) - now;
  return end + length - coveredWithin(most - amount, tally.count, length) - now;
}

/**
 * The stored tally after a correction of what was taken in the bucket that starts at `start`;
 * undefined where that bucket does not count any more.
 */
export function corrected(
  window: Window,
  stored: Tally,
  start: number,
  change: number,
): Tally | undefined {
  if (stored.start === start) return { ...stored, count: Math.max(0, stored.count + change) };
  if (!slides(window) || stored.start !== start + lengths[window]) return undefined;
  return { ...stored, previous: Math.max(0, stored.previous + change) };
}

/** Milliseconds until all of the limit is free again; after that the tally need not be kept. */
export function resetOf(
  window: Window,
  tally: Tally,
  now: number,
  calendar: Calendar = utc,
): number {
  if (tally.count === 0 && tally.previous === 0) return 0;
  const slidesOn = slides(window) && tally.count > 0 ? lengths[window] : 0;
  return endOf(window, tally, calendar) + slidesOn - now;
}

/** amount * covered / length, rounded up: in two parts, as the product may be above 2^53. */
function shareOf(amount: number, covered: number, length: number): number {
  const rest = amount % length;
  return ((amount - rest) / length) * covered + Math.ceil((rest * covered) / length);
}

/** The longest time of a bucket, in ms, of whose amount a share fits into the room. */
function coveredWithin(room: number, amount: number, length: number): number {
  // The quotient is off by one at most.
  const about = Math.floor((room * length) / amount);
  if (shareOf(amount, about, length) > room) return about - 1;
  return shareOf(amount, about + 1, length) <= room ? about + 1 : about;
}

function slides(window: Window): window is keyof typeof lengths {
  return window in lengths;
}

function endOf(window: Window, { start, end }: Tally, calendar: Calendar): number {
  return slides(window) ? start + lengths[window] : (end ?? calendar.periodAt(window, start).end);
}
