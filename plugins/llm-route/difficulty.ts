// How much a request seems to ask of a model, from 0 to 100, by its form: a sum of points, each of which
// can be shown. Whoever changes a weight looks at test/route/: what it says of requests that people have
// sorted.

import type { Effort } from "../../models/asked";
import type { Signs } from "./signs";

/** The points by what they are for; each may be negative. */
export interface Points {
  length: number;
  hard: number;
  work: number;
  easy: number;
  code: number;
  mathematics: number;
  constraints: number;
  questions: number;
  languages: number;
  /** Nothing that is known stands in it, and it is long. */
  unread: number;
}

/** Points of a turn of the user. */
export function pointsOf(signs: Signs): Points {
  const { tokens, hard, work, easy, code, mathematics, constraints, questions, points } = signs;
  const marks = signs.seen === 0 ? 0 : signs.codeMarks / signs.seen;
  return {
    length: lengthPoints(tokens),
    hard: most(rising(hard, 50, 12, 8), 74),
    work: most(rising(work, 36, 8, 4), 48),
    easy: -most(rising(easy, 10, 8, 4), 26),
    code: most(code * 3 + signs.fences * 3 + (marks > 0.03 ? 6 : 0), 15),
    mathematics: most(mathematics * 8 + Math.min(signs.mathMarks, 5) * 2, 26),
    constraints: most(Math.max(0, constraints - 1) * 3 + points * 2, 15),
    questions: most(Math.max(0, questions - 1) * 3, 9),
    languages: areMixed(signs) ? 2 : 0,
    unread: hard + work + easy === 0 && tokens > longToSayNothing ? 36 : 0,
  };
}

// Whoever writes more than a line wants more than a look-up, also where no word is known that says it.
const longToSayNothing = 30;

/** What belongs to the request and not to one of its turns. */
export function requestPoints(
  tools: number,
  effort: Effort | undefined,
  turns: number,
  system: Signs,
): number {
  const thought = effort === undefined ? 0 : { low: 4, medium: 18, high: 40 }[effort];
  const called = tools === 0 ? 0 : most(8 + tools, 16);
  const depth = most(Math.max(0, turns - 2), 8);
  const said = most(system.hard * 5 + system.mathematics * 3 + system.constraints, 10);
  return thought + called + depth + said;
}

export function sumOf(points: Points): number {
  const { length, hard, work, easy, code, mathematics, constraints } = points;
  const { questions, languages, unread } = points;
  const ofWords = hard + work + easy + code + mathematics + constraints;
  return length + ofWords + questions + languages + unread;
}

/** Difficulty is a whole number. */
export function bounded(sum: number): number {
  return Math.max(0, Math.min(100, Math.round(sum)));
}

function lengthPoints(tokens: number): number {
  if (tokens <= 30) return 0;
  return most(Math.log2(tokens / 30) * 3, 20);
}

/** The first sign says most. */
function rising(count: number, first: number, second: number, further: number): number {
  if (count === 0) return 0;
  return first + (count > 1 ? second : 0) + Math.max(0, count - 2) * further;
}

function most(points: number, limit: number): number {
  return Math.min(points, limit);
}

function areMixed({ hangul, latin }: Signs): boolean {
  return hangul > 20 && latin > 40 && Math.min(hangul * 2, latin) * 3 > Math.max(hangul * 2, latin);
}
