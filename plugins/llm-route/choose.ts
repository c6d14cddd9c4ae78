// Which model a request gets: the tier that the client, the rules or the difficulty ask for, and of its
// candidates the cheapest that can do it. Plain values in and out: the same answer on every node.

import { familyOf } from "../../families/endpoint";
import type { ExpectedTokens } from "../../models/expected-cost";
import type { ChoiceReason } from "../../stages/ticket";
import { type Candidate, expectedUsd, type WhyNot, whyNot } from "./candidates";
import { conversationOf, placeOf } from "./conversation";
import type { Reading } from "./reading";
import type { Caller, Rule } from "./rules";

export interface Choosing {
  tiers: readonly { name: string; upTo: number }[];
  rules: readonly Rule[];
  candidates: readonly Candidate[];
  expected: ExpectedTokens;
  sticky: boolean;
}

/** The tier that a request gets, by its place, and who says so. */
export interface AskedTier {
  tier: number;
  reason: ChoiceReason;
  /** Place of the rule that matched. */
  rule?: number;
}

export interface Ranked {
  candidate: Candidate;
  /** What it is compared by, in US dollars; infinite where no price is known. */
  usd: number;
}

/** @param wish the tier that the client wishes, where it may */
export function tierOf(
  { tiers, rules }: Pick<Choosing, "tiers" | "rules">,
  reading: Reading,
  caller: Caller,
  wish?: string,
): AskedTier {
  const placeOfTier = (name: string) => tiers.findIndex((tier) => tier.name === name);
  const wished = wish === undefined ? -1 : placeOfTier(wish);
  if (wished >= 0) return { tier: wished, reason: "wish" };
  for (let rule = 0; rule < rules.length; rule++) {
    const tier = placeOfTier(rules[rule]!.tier);
    if (tier >= 0 && rules[rule]!.matches(reading, caller)) return { tier, reason: "rule", rule };
  }
  const tier = tiers.findIndex(({ upTo }) => reading.difficulty <= upTo);
  return { tier: tier < 0 ? tiers.length - 1 : tier, reason: "difficulty" };
}

/**
 * All that can serve a request, best first: those of its tier from the cheapest on, then those of each
 * tier above, then of each below, from the strongest on. Empty where none can.
 * @param consumer who asks, by a name that is the same on every node
 */
export function ranking(
  { candidates, expected, sticky }: Omit<Choosing, "tiers" | "rules">,
  reading: Reading,
  tier: number,
  consumer: string,
): Ranked[] {
  const family = familyOf(reading.endpoint).name;
  const inputTokens = sticky ? reading.openingTokens : reading.tokens;
  const able: Ranked[] = [];
  for (const candidate of candidates) {
    if (whyNot(candidate, reading, family) !== undefined) continue;
    able.push({ candidate, usd: expectedUsd(candidate, inputTokens, reading, expected) });
  }
  let conversation: string | undefined;
  const place = ({ model }: Candidate) => {
    conversation ??= conversationOf(reading.asked, consumer);
    return placeOf(conversation, model);
  };
  return able.sort((one, other) => {
    const byTier = distance(one.candidate, tier) - distance(other.candidate, tier);
    if (byTier !== 0) return byTier;
    if (one.usd !== other.usd) return one.usd - other.usd;
    return place(one.candidate) - place(other.candidate);
  });
}

/** What keeps the candidates of a tier from a request for it, the first of them; undefined: nothing. */
export function whatKeeps(
  candidates: readonly Candidate[],
  reading: Reading,
  tier: number,
): WhyNot | undefined {
  const family = familyOf(reading.endpoint).name;
  const own = candidates.find((candidate) => candidate.tier === tier);
  return own && whyNot(own, reading, family);
}

// Tiers above come before all tiers below.
const below = 1000;

function distance({ tier: own }: Candidate, tier: number): number {
  return own >= tier ? own - tier : below + tier - own;
}
