// Gives a request the key that the upstream knows this gateway by. It guards: a request without a
// key is not sent on.

import { z } from "zod";
import { asksNoModel } from "../../families/endpoint";
import { refusesKey } from "../../openai/key-refusal";
import { countSent, hear, targetName } from "../../stages/allowances";
import type { Exchange } from "../../stages/exchange";
import { type Outcome, retryAfterSeconds } from "../../stages/outcome";
import type { Decided, Stage } from "../../stages/stage";
import { type Account, accountOf, headersWith } from "./account";
import { KeyedServices } from "./key-states";
import { keyOfMany, leftAt } from "./left";
import { type KeysOf, openRests, type SharedRests } from "./open-rests";
import { keyedTries } from "./other-tries";
import { noAccount, noHeader, noKey } from "./refusals";
import type { UpstreamKeyOptions } from "./schema";

interface Prepared {
  own: Account;
  /** By the name of the provider. */
  accounts: Map<string, Account>;
  keyed: KeyedServices;
  /** Undefined where each node learns by itself which keys rest. */
  rests: SharedRests | undefined;
}

/**
 * Which key it was, by its place in the config, and when: milliseconds since the epoch. Of each further
 * try of the ticket the key alone: -1 where none was sent.
 */
const chosen = z.object({
  key: z.number(),
  chosen_at: z.number(),
  provider: z.string().optional(),
  /** Where there are several keys: the service, or the provider, whose they are. */
  service: z.string().optional(),
  others: z.array(z.number()).optional(),
});
type Chosen = z.infer<typeof chosen>;

export const stage: Stage<UpstreamKeyOptions, Prepared, typeof chosen> = {
  name: "upstream_key",
  note: chosen,
  guards: true,
  prepare: ({ providers, policy, redis, ...own }) => ({
    own: accountOf(own),
    accounts: new Map(providers.map(({ name, ...account }) => [name, accountOf(account)])),
    keyed: new KeyedServices(),
    rests: openRests({ policy, redis }),
  }),
  decide,
  learn,
};

function decide(
  exchange: Exchange,
  prepared: Prepared,
): Decided<Chosen> | Promise<Decided<Chosen>> {
  const renewed = prepared.rests?.renew(keysFor(exchange, prepared));
  return renewed ? renewed.then(() => giveKey(exchange, prepared)) : giveKey(exchange, prepared);
}

/** Those that any of its tries may go out with. */
function keysFor({ ticket, request, others = [] }: Exchange, prepared: Prepared): KeysOf[] {
  const providers = [ticket.provider, ...others.map(({ upstream }) => upstream?.provider)];
  return providers.flatMap((provider) => {
    const account = accountAt(provider, prepared);
    return account ? [{ service: provider ?? request.service ?? "", ring: account.ring }] : [];
  });
}

function giveKey(exchange: Exchange, prepared: Prepared): Decided<Chosen> {
  const { ticket, request } = exchange;
  const account = accountAt(ticket.provider, prepared);
  if (!account) return { answer: noAccount(ticket.provider ?? "") };
  const service = ticket.provider ?? request.service ?? "";
  prepared.keyed.show(service, account.ring);
  const target = targetName(service, ticket.model?.served ?? "");
  const key = account.isOpen
    ? undefined
    : account.ring.choose(undefined, undefined, leftAt(target));
  if (!key && !account.isOpen) return { answer: noKey(account.ring.size) };
  // A vault reference that cannot be resolved arrives as an empty string (Kong 3.9.3).
  const missing = account.headers.find(({ value }) => value === "");
  if (missing) return { answer: noHeader(missing.name) };
  const headers = headersWith(account, key, ticket.endpoint);
  Object.assign(exchange.upstreamHeaders, headers);
  exchange.keyHeaders = Object.keys(headers);
  countSent(target, key?.index ?? 0);
  Object.assign(ticket, keyOfMany(key, account.ring));
  const others = keyedTries(exchange, key, (provider) => accountAt(provider, prepared));
  if (exchange.others) exchange.others = others.map(({ other }) => other);
  return {
    note: {
      key: key?.index ?? -1,
      chosen_at: key?.chosenAt ?? Date.now(),
      ...(ticket.provider !== undefined && { provider: ticket.provider }),
      ...(ticket.key && { service }),
      ...(others.length > 0 && { others: others.map(({ key }) => key) }),
    },
  };
}

function accountAt(provider: string | undefined, { own, accounts }: Prepared): Account | undefined {
  return provider === undefined ? own : accounts.get(provider);
}

async function learn(
  outcome: Outcome,
  note: Chosen | undefined,
  prepared: Prepared,
): Promise<void> {
  if (!note) return;
  const hasOwnLimits = asksNoModel(outcome.ticket.endpoint);
  // Of a failed try nobody has seen the body, which tells whether a refusal is about the key.
  for (const { try: at, status, ...told } of outcome.failed_tries ?? []) {
    if (status !== 429 || hasOwnLimits) continue;
    const refused = { ...told, ended_at: outcome.first_byte_at };
    await restKey(keyOf(at, outcome, note, prepared), refused, prepared);
  }
  if (outcome.source !== "service") return;
  if (hasOwnLimits && (outcome.status === 429 || outcome.status < 400)) return;
  learnLeft(outcome, note);
  const used = keyOf(outcome.served_try ?? 0, outcome, note, prepared);
  if (refusesKey(outcome.status, outcome.body)) await restKey(used, outcome, prepared);
  else if (outcome.status < 400) await wakeKey(used, outcome, prepared);
}

/** What is left for one of several keys. llm-models has heard it already, where it is there. */
function learnLeft(outcome: Outcome, { service }: Chosen): void {
  const { ticket } = outcome;
  if (!ticket.key || (service === undefined && ticket.provider === undefined)) return;
  hear(targetName(ticket.provider ?? service ?? "", ticket.model?.served ?? ""), outcome);
}

interface UsedKey {
  account: Account;
  key: number;
  chosenAt: number;
  /** Whose it is, for other nodes; undefined where there is no other key beside it. */
  keys: KeysOf | undefined;
}

async function restKey(
  used: UsedKey | undefined,
  ended: Parameters<typeof retryAfterSeconds>[0],
  { rests }: Prepared,
): Promise<void> {
  if (!used) return;
  const { account, key, chosenAt, keys } = used;
  const seconds = retryAfterSeconds(ended) ?? account.restSeconds;
  const isNew = account.ring.rest(key, chosenAt, ended.ended_at, seconds);
  if (isNew && keys) await rests?.rest(keys, key, ended.ended_at, seconds);
}

async function wakeKey(
  used: UsedKey | undefined,
  { ended_at }: Outcome,
  { rests }: Prepared,
): Promise<void> {
  if (!used) return;
  const { account, key, chosenAt, keys } = used;
  const isBack = account.ring.serve(key, chosenAt, ended_at);
  if (isBack && keys) await rests?.wake(keys, key, chosenAt, ended_at);
}

/** The key of a try: 0 is the first, the others are those of the ticket. */
function keyOf(
  at: number,
  { ticket }: Outcome,
  { key, chosen_at: chosenAt, provider, service, others = [] }: Chosen,
  prepared: Prepared,
): UsedKey | undefined {
  const other = at === 0 ? undefined : { ...ticket.tries?.[at - 1], key: others[at - 1] };
  const of = other ? other.provider : provider;
  const account = accountAt(of, prepared);
  const index = other ? other.key : key;
  if (!account || index === undefined || index < 0) return undefined;
  const name = of ?? service;
  const keys = name === undefined ? undefined : { service: name, ring: account.ring };
  return { account, key: index, chosenAt, keys };
}
