// What a request looks like to a choice: its size, what it needs of a model, and how difficult it seems.
// A conversation is as difficult as the most difficult turn of its user's that is looked at, so it seldom
// goes back to a smaller model, and its turns need no memory here to agree.

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

const system: Window = { head: 1000, tail: 500 };
const turn: Window = { head: 1000, tail: 500 };

/** So many letters of a conversation are looked at: its last turn, its first, and the newest between. */
const mostLetters = 1200;

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

interface Turn {
  signs: Signs;
  points: Points;
  sum: number;
}

function hardestOf(turns: Asked["turns"], reader: SignReader): Turn {
  const last = turns.length - 1;
  const newest = turnOf(turns[last] ?? [], reader);
  if (last <= 0) return newest;
  const opening = turnOf(turns[0]!, reader);
  let hardest = harder(newest, opening);
  let looked = newest.signs.seen + opening.signs.seen;
  for (let at = last - 1; at > 0 && looked < mostLetters; at--) {
    const other = turnOf(turns[at]!, reader);
    // A turn of no letters costs something, too.
    looked += Math.max(other.signs.seen, leastLetters);
    hardest = harder(hardest, other);
  }
  return hardest;
}

const leastLetters = 30;

function turnOf(pieces: readonly string[], reader: SignReader): Turn {
  const signs = reader.read(pieces, turn);
  const points = pointsOf(signs);
  return { signs, points, sum: sumOf(points) };
}

function harder(one: Turn, other: Turn): Turn {
  return other.sum > one.sum ? other : one;
}
