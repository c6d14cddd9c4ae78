// What a request looks like to a choice: its size, what it needs of a model, and how difficult it seems.
// A conversation is as difficult as the most difficult turn that its user has taken, so it never goes
// back to a smaller model, and its turns need no memory here to agree.

import { familyOf } from "../../families/endpoint";
import type { BodyMembers } from "../../families/family";
import type { Asked, Need } from "../../models/asked";
import { bounded, type Points, pointsOf, requestPoints, sumOf } from "./difficulty";
import type { SignReader, Signs, Window } from "./signs";

export interface Reading {
  endpoint: string;
  /** Tokens of the whole prompt, and of the prompt with which the conversation began. */
  tokens: number;
  openingTokens: number;
  /** The bound that the client sets for each answer; undefined where it sets none. */
  outputBound: number | undefined;
  answers: number;
  /** Turns of the user. */
  turns: number;
  needs: readonly Need[];
  /** From 0 to 100. */
  difficulty: number;
  /** What the difficulty is made of: of the turn that counts, and of the request around it. */
  points: Points;
  around: number;
  /** Signs of that turn. */
  signs: Signs;
  asked: Asked;
}

const system: Window = { head: 1500, tail: 500 };
const turn: Window = { head: 1500, tail: 700 };

/** So many letters of a conversation are looked at; behind them only its last turn is. */
const mostLetters = 16_000;

/**
 * @param isSticky the whole conversation counts, and not only its last turn
 */
export function readingOf(
  endpoint: string,
  body: Pick<BodyMembers, "value" | "get" | "set">,
  reader: SignReader,
  isSticky: boolean,
): Reading {
  const family = familyOf(endpoint);
  const asked = family.askedOf(body.value);
  const { turns, tools, effort, needs, opening } = asked;
  const around = requestPoints(tools, effort, turns.length, reader.read(asked.system, system));
  const { points, signs } = hardestOf(isSticky ? turns : turns.slice(-1), reader);
  const tokens = family.estimateInputTokens(body.value);
  const begins = opening === body.value || !isSticky;
  return {
    ...{ endpoint, tokens, turns: turns.length, needs, points, around, signs, asked },
    openingTokens: begins ? tokens : family.estimateInputTokens(opening),
    outputBound: family.outputBound(endpoint, body),
    answers: family.answersAsked(body.value),
    difficulty: bounded(sumOf(points) + around),
  };
}

function hardestOf(turns: Asked["turns"], reader: SignReader): { points: Points; signs: Signs } {
  let signs = reader.read(turns[0] ?? [], turn);
  let points = pointsOf(signs);
  let sum = sumOf(points);
  let looked = signs.seen;
  for (let at = 1; at < turns.length; at++) {
    if (looked > mostLetters && at < turns.length - 1) continue;
    const other = reader.read(turns[at]!, turn);
    const otherPoints = pointsOf(other);
    looked += other.seen;
    if (sumOf(otherPoints) <= sum) continue;
    [signs, points, sum] = [other, otherPoints, sumOf(otherPoints)];
  }
  return { points, signs };
}
