// How soon a target answers of late: a mean of the times to the first byte of its answers in which each
// counts half as much after some seconds. Pure arithmetic; paces.ts remembers, measure.lua does the same.

/** An answer that is no stream sends its first byte when all of it is written: they are not compared. */
export const answerKinds = ["stream", "whole"] as const;
export type AnswerKind = (typeof answerKinds)[number];

/** Each time by its weight, as it was at `at`: so the paces of several nodes add up to that of all. */
export interface Pace {
  /** Milliseconds. */
  sum: number;
  /** How many times they are, the latest 1 each. */
  weight: number;
  /** When the latest was heard, in milliseconds since the epoch. */
  at: number;
}

export const halfLifeMs = 15_000;

// After so long nobody knows any more how soon it answers.
const holdsMs = 60_000;

export function paceOf(firstByteMs: number, at: number): Pace {
  return { sum: Math.max(0, firstByteMs), weight: 1, at };
}

/** What both tell together. */
export function together(one: Pace | undefined, other: Pace | undefined): Pace | undefined {
  if (!one || !other) return one ?? other;
  const at = Math.max(one.at, other.at);
  const [here, there] = [one, other].map((pace) => 2 ** ((pace.at - at) / halfLifeMs));
  return {
    sum: one.sum * here! + other.sum * there!,
    weight: one.weight * here! + other.weight * there!,
    at,
  };
}

/** Milliseconds. */
export function meanOf({ sum, weight }: Pace): number {
  return sum / weight;
}

/** Whether it is to be heard again. */
export function isStale(pace: Pace | undefined, now: number): boolean {
  return !pace || now - pace.at >= holdsMs;
}
