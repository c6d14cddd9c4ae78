// Gives a request the key that the upstream knows this gateway by. It guards: a request without a
// key is not sent on.

import { LRUCache } from "lru-cache";
import { Gauge } from "prom-client";
import { z } from "zod";
import { refusesKey } from "../../openai/key-refusal";
import { countSent, hear, targetName } from "../../stages/allowances";
import { type Answer, type Exchange, refuse } from "../../stages/exchange";
import { showNeighbour } from "../../stages/neighbours";
import { type Outcome, retryAfterSeconds } from "../../stages/outcome";
import type { Decided, Stage } from "../../stages/stage";
import { type Account, accountOf, headersWith } from "./account";
import type { KeyRing } from "./keys";
import { keyOfMany, leftAt } from "./left";
import { keyedTries } from "./other-tries";
import type { UpstreamKeyOptions } from "./schema";

interface Prepared {
  own: Account;
  /** By the name of the provider. */
  accounts: Map<string, Account>;
  /** By service, or provider. */
  keyed: Map<string, KeyedService>;
}

/** A service or provider, and the ring that its requests get their keys from. */
interface KeyedService {
  service: string;
  ring: KeyRing;
  /** Milliseconds since the epoch when it was last seen to be asked. */
  shownAt: number;
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
  prepare: ({ providers, ...own }) => ({
    own: accountOf(own),
    accounts: new Map(providers.map(({ name, ...account }) => [name, accountOf(account)])),
    keyed: new Map(),
  }),
  decide,
  learn,
};

function decide(exchange: Exchange, prepared: Prepared): Decided<Chosen> {
  const { ticket, request } = exchange;
  const account = accountAt(ticket.provider, prepared);
  if (!account) return { answer: noAccount(ticket.provider ?? "") };
  const service = ticket.provider ?? request.service ?? "";
  showKeyed(keyedService(service, account.ring, prepared));
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
  ticket.key = keyOfMany(key, account.ring);
  const others = keyedTries(exchange, key, (provider) => accountAt(provider, prepared));
  if (exchange.others) exchange.others = others.map(({ other }) => other);
  return {
    note: {
      ...{ key: key?.index ?? -1, chosen_at: key?.chosenAt ?? Date.now() },
      ...(ticket.provider !== undefined && { provider: ticket.provider }),
      ...(ticket.key && { service }),
      ...(others.length > 0 && { others: others.map(({ key }) => key) }),
    },
  };
}

function accountAt(provider: string | undefined, { own, accounts }: Prepared): Account | undefined {
  return provider === undefined ? own : accounts.get(provider);
}

function learn(outcome: Outcome, note: Chosen | undefined, prepared: Prepared): void {
  if (!note) return;
  // Of a failed try nobody has seen the body, which tells whether a refusal is about the key.
  for (const { try: at, status, ...told } of outcome.failed_tries ?? []) {
    if (status !== 429) continue;
    restKey(keyOf(at, outcome, note, prepared), { ...told, ended_at: outcome.first_byte_at });
  }
  if (outcome.source !== "service") return;
  learnLeft(outcome, note);
  const used = keyOf(outcome.served_try ?? 0, outcome, note, prepared);
  if (refusesKey(outcome.status, outcome.body)) restKey(used, outcome);
  else if (outcome.status < 400) used?.account.ring.serve(used.key, used.chosenAt);
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
}

function restKey(
  used: UsedKey | undefined,
  ended: Pick<Outcome, "retry_after" | "retry_after_ms" | "ended_at">,
): void {
  if (!used) return;
  const { account, key, chosenAt } = used;
  const seconds = retryAfterSeconds(ended) ?? account.restSeconds;
  account.ring.rest(key, chosenAt, ended.ended_at, seconds);
}

/** The key of a try: 0 is the first, the others are those of the ticket. */
function keyOf(
  at: number,
  { ticket }: Outcome,
  { key, chosen_at: chosenAt, provider, others = [] }: Chosen,
  prepared: Prepared,
): UsedKey | undefined {
  const other = at === 0 ? undefined : { ...ticket.tries?.[at - 1], key: others[at - 1] };
  const account = accountAt(other ? other.provider : provider, prepared);
  const index = other ? other.key : key;
  return account && index !== undefined && index >= 0
    ? { account, key: index, chosenAt }
    : undefined;
}

// Nobody tells us that a config is gone: one whose last request is five minutes old is shown no
// more, so that a key that was missing in it does not look missing for ever.
const keyedOfLate = new LRUCache<KeyedService, true>({ max: 1000, ttl: 300_000, ttlResolution: 0 });

let isShown = false;

/** A service whose keys are all missing or resting sends nothing on, or only what will be refused. */
function showKeyless(): void {
  if (isShown) return;
  isShown = true;
  showNeighbour("upstream keys", () => {
    const without = [...lowestStates()].filter(([, states]) => !states.some(Boolean));
    const names = without.map(([service]) => service).join(", ");
    return without.length === 0
      ? { ok: true, detail: "Every service has a key that may be used." }
      : {
          ok: false,
          detail: `No key of ${names} may be used: it is missing, or the upstream refused it.`,
        };
  });
}

function keyedService(service: string, ring: KeyRing, { keyed }: Prepared): KeyedService {
  const known = keyed.get(service);
  if (known) return known;
  showKeyless();
  const fresh = { service, ring, shownAt: 0 };
  keyed.set(service, fresh);
  return fresh;
}

// Once a second is often enough for five minutes.
function showKeyed(one: KeyedService): void {
  const now = Date.now();
  if (now - one.shownAt < 1000) return;
  one.shownAt = now;
  keyedOfLate.set(one, true);
}

new Gauge({
  name: "llm_upstream_key_up",
  help: "1 while the key at this place in the config of this service may be chosen, 0 while it rests or is missing (none: no key is configured); the lowest where several configs have a key there",
  labelNames: ["service", "key"] as const,
  collect() {
    this.reset();
    for (const [service, states] of lowestStates()) {
      for (const [key, isUp] of states.entries()) this.set({ service, key }, isUp ? 1 : 0);
      // Where none is configured the alerts must see that, too.
      if (states.length === 0) this.set({ service, key: "none" }, 0);
    }
  },
});

function lowestStates(): Map<string, boolean[]> {
  const byService = new Map<string, boolean[]>();
  for (const { service, ring } of keyedOfLate.keys()) {
    const lowest = byService.get(service) ?? [];
    for (const [key, isUp] of ring.states().entries()) lowest[key] = isUp && (lowest[key] ?? true);
    byService.set(service, lowest);
  }
  return byService;
}

function noAccount(provider: string): Answer {
  return misconfigured(
    `No keys of the provider ${provider} are configured: name it in providers of llm-upstream-key, as in those of llm-models.`,
  );
}

function noHeader(name: string): Answer {
  return misconfigured(
    `The header ${name} for the upstream has no value: set the environment variable that the vault reference in headers[].value names.`,
  );
}

function noKey(configured: number): Answer {
  const fix =
    configured === 0
      ? "set keys of llm-upstream-key (upstream_key in llm-gateway) to a vault reference or a file"
      : "set the environment variable that the vault reference in keys[].value names, or a readable file in keys[].file; the plugin server's log says what each key lacks";
  return misconfigured(`No upstream key is configured: ${fix}.`);
}

/** The key, or a header that goes with it, has no value: no request goes out without, until its operator has mended it. */
function misconfigured(message: string): Answer {
  const error = { message, type: "server_error", code: "gateway_misconfigured" };
  return refuse(503, error, { "x-should-retry": "false" });
}
