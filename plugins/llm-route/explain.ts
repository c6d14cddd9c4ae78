// Why a request gets the model that it gets, in full: for who tunes a choice. Reads as the stage does.

import { familyOf } from "../../families/endpoint";
import type { RequestBody } from "../../openai/request-body";
import { openPrices } from "../../stages/prices";
import { expectedUsd, whyNot } from "./candidates";
import { choosableBy } from "./choosable";
import { type AskedTier, ranking, tierOf } from "./choose";
import { type Reading, readingOf } from "./reading";
import type { Caller } from "./rules";
import type { RouteOptions } from "./schema";
import { SignReader } from "./signs";
import { type Wish, wishOf } from "./wish";
import { wordsOf } from "./words";

interface ExplainedCandidate {
  model: string;
  tier: string;
  /** What keeps it from the request; undefined where it can serve. */
  whyNot: string | undefined;
  /** US dollars, as for the whole request; infinite where no price is known. */
  usd: number;
}

export interface Explanation {
  reading: Reading;
  asked: AskedTier & { name: string };
  /** The tiers that the caller may wish for, and what it said: granted where that is one of them. */
  wishes: { may: string[]; said?: Wish };
  /** In the order of the choice, those that cannot serve last. */
  candidates: ExplainedCandidate[];
}

export type Explain = (endpoint: string, body: RequestBody, caller: Caller) => Explanation;

/**
 * Explains the choice of a name.
 * @param mayUse whether the caller may use a model
 * @throws Error where the options have no choice of that name
 */
export function explainBy(
  options: RouteOptions,
  name: string | undefined,
  mayUse: (requested: string, model: string) => boolean = () => true,
): Explain {
  const named = options.choices.find((choice) => name === undefined || choice.name === name);
  if (!named) {
    const names = options.choices.map((choice) => choice.name).join(", ");
    throw new Error(`there is no choice ${name ?? "at all"}; there are: ${names || "none"}`);
  }
  const reader = new SignReader(wordsOf(options.words));
  const choosable = choosableBy(named, openPrices(options));
  return (endpoint, body, caller) => {
    const choosing = choosable.choosing();
    const reading = readingOf(endpoint, body, reader, named.sticky);
    const said = wishOf(choosable, caller.consumer, caller.headers, body);
    const may = choosable.mayWish(caller.consumer) ?? (() => false);
    const wished = said && "tier" in said ? said.tier : undefined;
    const asked = tierOf(choosing, reading, caller, wished);
    const order = ranking(choosing, reading, asked.tier, caller.consumer?.username ?? "");
    const place = (model: string) => {
      const found = order.findIndex(({ candidate }) => candidate.model === model);
      return found < 0 ? order.length : found;
    };
    const family = familyOf(endpoint).name;
    const candidates = choosing.candidates
      .map((one) => ({
        ...{ model: one.model, tier: named.tiers[one.tier]!.name },
        whyNot:
          whyNot(one, reading, family) ?? (mayUse(named.name, one.model) ? undefined : "access"),
        usd: expectedUsd(one, reading.tokens, reading, choosing.expected),
      }))
      .sort((one, other) => place(one.model) - place(other.model));
    return {
      ...{ reading, candidates },
      asked: { ...asked, name: named.tiers[asked.tier]!.name },
      wishes: { may: named.tiers.map(({ name }) => name).filter(may), ...(said && { said }) },
    };
  };
}

/** The model that serves: the first that can and may. */
export function servedIn({ candidates }: Explanation): ExplainedCandidate | undefined {
  return candidates.find(({ whyNot }) => whyNot === undefined);
}
