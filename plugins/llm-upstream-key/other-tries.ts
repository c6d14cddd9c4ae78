// The keys of the further tries of a request: each gets one of its own provider, and the first try's model
// is tried with another key, should the key be what is refused.

import { targetName } from "../../stages/allowances";
import type { Exchange } from "../../stages/exchange";
import type { OtherTry } from "../../stages/upstream";
import { type Account, headersWith } from "./account";
import type { ChosenKey } from "./keys";
import { keyOfMany, leftAt } from "./left";

interface KeyedTry {
  other: OtherTry;
  /** Its place in the config; -1 where none is sent. */
  key: number;
}

/** Those that can be sent. @param first the key of the first try */
export function keyedTries(
  exchange: Exchange,
  first: ChosenKey | undefined,
  accountAt: (provider: string | undefined) => Account | undefined,
): KeyedTry[] {
  const { others = [], ticket, request } = exchange;
  const keyed = others.flatMap((other): KeyedTry[] => {
    const account = accountAt(other.upstream?.provider);
    const service = other.upstream?.provider ?? request.service ?? "";
    const left = leftAt(targetName(service, other.model));
    const key = account?.isOpen ? undefined : account?.ring.choose(undefined, undefined, left);
    const isWhole = account?.headers.every(({ value }) => value !== "");
    if (!account || !isWhole || (!key && !account.isOpen)) return [];
    const headers = headersWith(account, key, ticket.endpoint);
    const ofMany = keyOfMany(key, account.ring);
    return [{ other: { ...other, headers, ...ofMany }, key: key?.index ?? -1 }];
  });
  return [...withAnotherKey(exchange, first, accountAt(ticket.provider)), ...keyed];
}

function withAnotherKey(
  { mostOthers = 0, ticket, upstream, request }: Exchange,
  first: ChosenKey | undefined,
  account: Account | undefined,
): KeyedTry[] {
  if (mostOthers === 0 || !ticket.model || !account || !first) return [];
  const { served: model, label, fallback_from } = ticket.model;
  const left = leftAt(targetName(ticket.provider ?? request.service ?? "", model));
  const key = account.ring.another(first.index, undefined, undefined, left);
  if (!key) return [];
  const headers = headersWith(account, key, ticket.endpoint);
  const ofMany = keyOfMany(key, account.ring);
  const other = { model, label, fallback_from, upstream, headers, isForKey: true, ...ofMany };
  return [{ other, key: key.index }];
}
