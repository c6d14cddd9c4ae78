// One configured choice, made ready: its rules compiled, its candidates as the catalogues have them now.

import { anyGlob, modelGlob } from "../../models/glob";
import type { Consumer } from "../../stages/exchange";
import { membership } from "../../stages/membership";
import type { Prices } from "../../stages/prices";
import { candidatesOf } from "./candidates";
import type { Choosing } from "./choose";
import { compileRule } from "./rules";
import type { ChoiceOptions } from "./schema";

export interface Choosable {
  options: ChoiceOptions;
  /** Whether a client that asks for this name asks for the choice. */
  matches(name: string): boolean;
  /** What it chooses by; a catalogue file that changed is read again. */
  choosing(): Choosing;
  /** Which tiers a caller may wish for; undefined: none. */
  mayWish(caller?: Consumer): ((tier: string) => boolean) | undefined;
}

export function choosableBy(options: ChoiceOptions, prices: Prices): Choosable {
  const { tiers, expected_output_tokens: output, expected_thinking_tokens: thinking } = options;
  const fixed = {
    tiers: tiers.map(({ name, difficulty_up_to }, place) => ({
      name,
      upTo: difficulty_up_to ?? Math.floor(((place + 1) * 100) / tiers.length),
    })),
    rules: options.rules.map(compileRule),
    expected: { output, thinking },
    sticky: options.sticky,
  };
  let known = prices.catalogues();
  let made = { ...fixed, candidates: candidatesOf(options, { ...prices, catalogues: known }) };
  const wishes = options.wishes.map((rule) => ({
    isFor: membership(rule),
    may: anyGlob(rule.tiers),
  }));
  return {
    options,
    matches: modelGlob(options.name),
    choosing() {
      const catalogues = prices.catalogues();
      if (catalogues[0] !== known[0]) {
        known = catalogues;
        made = { ...fixed, candidates: candidatesOf(options, { ...prices, catalogues }) };
      }
      return made;
    },
    mayWish: (caller) => wishes.find(({ isFor }) => isFor(caller))?.may,
  };
}
