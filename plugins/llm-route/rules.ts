// Which tier the rules of a choice give a request: the first that matches, over plain values.

import { DateTime } from "luxon";
import { anyGlob } from "../../models/glob";
import { lettersOf } from "../../models/letters";
import { hoursOf } from "../../models/off-peak";
import type { Consumer } from "../../stages/exchange";
import { membership } from "../../stages/membership";
import { Phrases } from "./phrases";
import type { Reading } from "./reading";
import type { RuleOptions } from "./rule-options";

/** Who asks, and when; header names in lower case. */
export interface Caller {
  consumer?: Consumer;
  headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  at: number;
}

type Matches = (reading: Reading, caller: Caller) => boolean;

export interface Rule {
  tier: string;
  matches: Matches;
}

export function compileRule(options: RuleOptions): Rule {
  // What costs least to ask stands first.
  const conditions = [
    ...shapeConditions(options),
    ...callerConditions(options),
    ...textConditions(options),
  ];
  return {
    tier: options.tier,
    matches: (reading, caller) => conditions.every((holds) => holds(reading, caller)),
  };
}

function shapeConditions(options: RuleOptions): Matches[] {
  const { tokens_above, tokens_up_to, turns_above, code } = options;
  const needs = (["tools", "images", "json_schema", "reasoning"] as const).flatMap((need) => {
    const wanted = options[need];
    if (wanted === undefined) return [];
    return [({ needs }: Reading) => needs.includes(need) === wanted];
  });
  return [
    ...needs,
    ...given(
      code,
      (wanted) =>
        ({ signs }) =>
          signs.fences >= 2 === wanted,
    ),
    ...given(
      tokens_above,
      (above) =>
        ({ tokens }) =>
          tokens > above,
    ),
    ...given(
      tokens_up_to,
      (most) =>
        ({ tokens }) =>
          tokens <= most,
    ),
    ...given(
      turns_above,
      (above) =>
        ({ turns }) =>
          turns > above,
    ),
  ];
}

function callerConditions({ consumers, tags, headers, hours, time_zone }: RuleOptions): Matches[] {
  const isFor = membership({ consumers, tags });
  const fits = headers.map(({ name, values }): Matches => {
    const [key, matches] = [name.toLowerCase(), anyGlob(values)];
    return (_, { headers }) => {
      const value = headers[key];
      return value !== undefined && matches(value);
    };
  });
  const within = hours.flatMap((text) => hoursOf(text) ?? []);
  const isWithin: Matches = (_, { at }) => {
    const local = at + DateTime.fromMillis(at, { zone: time_zone }).offset * 60_000;
    return within.some((holds) => holds(local));
  };
  const named = consumers.length + tags.length > 0;
  return [
    ...(named ? [(_: Reading, { consumer }: Caller) => isFor(consumer)] : []),
    ...fits,
    ...(hours.length > 0 ? [isWithin] : []),
  ];
}

// A rule costs no more than the reading before it, however long a conversation is.
const mostLetters = 40_000;

function textConditions({ words, patterns }: RuleOptions): Matches[] {
  const phrases = new Phrases([words]);
  const isLike = anyGlob(patterns.map((pattern) => pattern.toLowerCase()));
  const holdsWord = (text: string) => {
    let found = false;
    phrases.find(lettersOf(text, 0, text.length), () => {
      found = true;
    });
    return found;
  };
  return [
    ...(words.length > 0 ? [inSomeTurn(holdsWord)] : []),
    ...(patterns.length > 0 ? [inSomeTurn((text) => isLike(text.toLowerCase()))] : []),
  ];
}

function inSomeTurn(holds: (text: string) => boolean): Matches {
  return ({ asked }) => {
    let left = mostLetters;
    for (const turn of asked.turns) {
      for (const piece of turn) {
        if (left <= 0) return false;
        if (holds(piece.slice(0, left))) return true;
        left -= piece.length;
      }
    }
    return false;
  };
}

function given<T>(value: T | undefined, condition: (value: T) => Matches): Matches[] {
  return value === undefined ? [] : [condition(value)];
}
