// Gives a request the key that the upstream knows this gateway by. It guards: a request without a
// key is not sent on.

import { LRUCache } from "lru-cache";
import { Gauge } from "prom-client";
import { z } from "zod";
import { familyOf } from "../../families/endpoint";
import type { KeyPlace } from "../../families/family";
import { refusesKey } from "../../openai/key-refusal";
import { type Answer, type Exchange, refuse } from "../../stages/exchange";
import { showNeighbour } from "../../stages/neighbours";
import { type Outcome, retryAfterSeconds } from "../../stages/outcome";
import type { Decided, Stage } from "../../stages/stage";
import { KeyRing } from "./keys";
import type { UpstreamKeyOptions } from "./schema";

interface Prepared {
  /** Undefined where each family's own way is asked for. */
  place: KeyPlace | undefined;
  headers: { name: string; value: string }[];
  restSeconds: number;
  ring: KeyRing;
  /** By service. */
  keyed: Map<string, KeyedService>;
}

/** A service, and the ring that its requests get their keys from. */
interface KeyedService {
  service: string;
  ring: KeyRing;
  /** Milliseconds since the epoch when it was last seen to be asked. */
  shownAt: number;
}

/** Which key it was, by its place in the config, and when: milliseconds since the epoch. */
const chosen = z.object({ key: z.number(), chosen_at: z.number() });
type Chosen = z.infer<typeof chosen>;

export const stage: Stage<UpstreamKeyOptions, Prepared, typeof chosen> = {
  name: "upstream_key",
  note: chosen,
  guards: true,
  prepare: ({ auth, keys, header, prefix, headers, rest_seconds }) => ({
    place: auth === "family" ? undefined : { header: header.toLowerCase(), prefix },
    headers: headers.map(({ name, value }) => ({ name: name.toLowerCase(), value })),
    restSeconds: rest_seconds,
    ring: new KeyRing(keys),
    keyed: new Map(),
  }),
  decide,
  learn,
};

function decide(exchange: Exchange, prepared: Prepared): Decided<Chosen> {
  const { headers, ring } = prepared;
  showKeyed(keyedService(exchange.request.service ?? "", prepared));
  const key = ring.choose();
  if (!key) return { answer: noKey(ring.size) };
  // A vault reference that cannot be resolved arrives as an empty string (Kong 3.9.3).
  const missing = headers.find(({ value }) => value === "");
  if (missing) return { answer: noHeader(missing.name) };
  for (const { name, value } of headers) exchange.upstreamHeaders[name] = value;
  const { header, prefix } = prepared.place ?? familyOf(exchange.ticket.endpoint).keyPlace;
  exchange.upstreamHeaders[header] = `${prefix}${key.value}`;
  return { note: { key: key.index, chosen_at: key.chosenAt } };
}

function learn(outcome: Outcome, note: Chosen | undefined, prepared: Prepared): void {
  const { restSeconds, ring } = prepared;
  if (!note || outcome.source !== "service") return;
  if (refusesKey(outcome.status, outcome.body)) {
    const seconds = retryAfterSeconds(outcome) ?? restSeconds;
    ring.rest(note.key, note.chosen_at, outcome.ended_at, seconds);
  } else if (outcome.status < 400) {
    ring.serve(note.key, note.chosen_at);
  }
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

function keyedService(service: string, { keyed, ring }: Prepared): KeyedService {
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
