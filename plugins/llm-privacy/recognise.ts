// What is recognised in a text for one caller, and what is done with it: the built-in recognisers, then
// the operator's own. Where two claim the same characters, the one that begins first has them.

import { anyGlob } from "../../models/glob";
import { findIn } from "../../personal-data/find";
import { bit, type Kinds, kinds } from "../../personal-data/kind";
import { hasOdd, placeOf, plainOf } from "../../personal-data/plain";
import type { Consumer } from "../../stages/exchange";
import { membership } from "../../stages/membership";
import { type OwnFound, type OwnRecognisers, ownRecognisers } from "./own-recognisers";
import type { Action, PrivacyOptions } from "./schema";

interface Recognised {
  kind: string;
  start: number;
  end: number;
  action: Action;
}

/** @param context what stands before the text */
export type Recognise = (text: string, context: string) => Recognised[];

interface Policy {
  wanted: Kinds;
  own: OwnRecognisers[];
  actionOf: ReadonlyMap<string, Action>;
}

type Actions = Pick<PrivacyOptions, "recognisers"> & { action: Action };

/** What is recognised for a caller: the first rule that is for it says what is done. */
export function recogniseFor(options: PrivacyOptions): (caller?: Consumer) => Recognise {
  const own = ownRecognisers(options);
  const general = recogniseBy(policyOf(options, own));
  const rules = options.rules.map((rule) => {
    const actions = { action: rule.action ?? options.action, recognisers: rule.recognisers };
    return { isFor: membership(rule), recognise: recogniseBy(policyOf(actions, own)) };
  });
  return (caller) => rules.find(({ isFor }) => isFor(caller))?.recognise ?? general;
}

function policyOf({ action, recognisers }: Actions, own: OwnRecognisers[]): Policy {
  const compiled = recognisers.map((one) => ({ matches: anyGlob([one.name]), action: one.action }));
  const decide = (name: string) => compiled.find(({ matches }) => matches(name))?.action ?? action;
  const names = [...kinds, ...own.map(({ name }) => name)];
  const actionOf = new Map(names.map((name) => [name, decide(name)]));
  const isLookedFor = (name: string) => actionOf.get(name) !== "pass";
  const wanted = kinds.filter(isLookedFor).reduce((sum, kind) => sum | bit[kind], 0);
  return { wanted, own: own.filter(({ name }) => isLookedFor(name)), actionOf };
}

function recogniseBy({ wanted, own, actionOf }: Policy): Recognise {
  const withAction = ({ kind, start, end }: Omit<Recognised, "action">): Recognised => ({
    kind,
    start,
    end,
    action: actionOf.get(kind)!,
  });
  return (text, context) => {
    const found = wanted === 0 ? [] : findIn(text, wanted, context).map(withAction);
    if (own.length === 0) return found;
    return apart([...found, ...ownFound(own, text).map(withAction)]);
  };
}

/** In the text as it is, and as its reader sees it. */
function ownFound(own: readonly OwnRecognisers[], text: string): OwnFound[] {
  const found = own.flatMap(({ find }) => find(text));
  if (!hasOdd(text)) return found;
  const plain = plainOf(text);
  const seen = own.flatMap(({ find }) => find(plain.text));
  return [...found, ...seen.map((one) => ({ ...one, ...placeOf(plain, one.start, one.end) }))];
}

function apart(found: Recognised[]): Recognised[] {
  found.sort((one, other) => one.start - other.start || other.end - one.end);
  let end = 0;
  return found.filter((one) => {
    if (one.start < end) return false;
    end = one.end;
    return true;
  });
}
