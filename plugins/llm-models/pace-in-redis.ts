// How soon targets answer, as measure.lua and look.lua have it: texts of numbers, times by the clock of
// Redis.

import { type AnswerKind, answerKinds, type Pace } from "./pace";

/** ARGV of measure.lua. */
export function measureArguments(kind: AnswerKind, pace: Pace, now: number): (string | number)[] {
  return [kind, pace.sum, pace.weight, Math.max(0, Math.round(now - pace.at))];
}

/**
 * Undefined where it cannot be read.
 * @param text "SUM WEIGHT AT"
 * @param ahead what this node's clock is ahead of that of Redis, in milliseconds
 */
export function paceIn(text: string, ahead: number): Pace | undefined {
  const numbers = text.split(" ").map(Number);
  if (numbers.length !== 3 || !numbers.every(Number.isFinite)) return undefined;
  const [sum, weight, at] = numbers as [number, number, number];
  return sum >= 0 && weight > 0 ? { sum, weight, at: at + ahead } : undefined;
}

/** @param fields "KIND SUM WEIGHT AT" each */
export function pacesIn(fields: readonly string[], ahead: number): [AnswerKind, Pace][] {
  return fields.flatMap((field): [AnswerKind, Pace][] => {
    const kind = answerKinds.find((one) => field.startsWith(`${one} `));
    const pace = kind && paceIn(field.slice(kind.length + 1), ahead);
    return pace ? [[kind, pace]] : [];
  });
}
