// Gives a request the key that the upstream knows this gateway by. It guards: a request without a
// key is not sent on.

import { LRUCache } from "lru-cache";
import { Gauge } from "prom-client";
import { type Answer, type Exchange, refuse } from "../../kong/exchange";
import type { Outcome } from "../../kong/outcome";
import type { Decided, Stage } from "../../kong/stage";
import type { Json } from "../../kong/ticket";
import { KeyRing } from "./keys";
import type { UpstreamKeyOptions } from "./schema";

interface Prepared {
  header: string;
  prefix: string;
  restSeconds: number;
  ring: KeyRing;
}

export const stage: Stage<UpstreamKeyOptions, Prepared> = {
  name: "upstream_key",
  guards: true,
  prepare: ({ keys, header, prefix, rest_seconds }) => ({
    header: header.toLowerCase(),
    prefix,
    restSeconds: rest_seconds,
    ring: new KeyRing(keys),
  }),
  decide,
  learn,
};

function decide(exchange: Exchange, { header, prefix, ring }: Prepared): Decided {
  ringsInUse.set(ring, true);
  const key = ring.choose();
  if (!key) return { answer: noKey(ring.size) };
  exchange.upstreamHeaders[header] = `${prefix}${key.value}`;
  return { note: { key: key.index, chosen_at: key.chosenAt } };
}

function learn(outcome: Outcome, note: Json | undefined, { restSeconds, ring }: Prepared): void {
  if (!isNote(note) || outcome.source !== "service") return;
  if ([401, 403, 429].includes(outcome.status)) {
    const seconds = retryAfterSeconds(outcome) ?? restSeconds;
    ring.rest(note.key, note.chosen_at, outcome.ended_at, seconds);
  } else if (outcome.status < 400) {
    ring.serve(note.key, note.chosen_at);
  }
}

// Nobody tells us that a config is gone: one whose last request is five minutes old is shown no
// more, so that a key that was missing in it does not look missing for ever.
const ringsInUse = new LRUCache<KeyRing, true>({ max: 1000, ttl: 300_000, ttlResolution: 0 });

new Gauge({
  name: "llm_upstream_key_up",
  help: "1 while the key at this place in the config may be chosen, 0 while it rests or is missing; the lowest where several configs have a key there",
  labelNames: ["key"] as const,
  collect() {
    this.reset();
    for (const [index, isUp] of lowestStates().entries()) {
      this.set({ key: String(index) }, isUp ? 1 : 0);
    }
  },
});

function lowestStates(): boolean[] {
  const lowest: boolean[] = [];
  for (const ring of ringsInUse.keys()) {
    for (const [index, isUp] of ring.states().entries()) {
      lowest[index] = isUp && (lowest[index] ?? true);
    }
  }
  return lowest;
}

/** Retry-After is a number of seconds or an HTTP date (RFC 9110, section 10.2.3). */
function retryAfterSeconds({ retry_after = "", ended_at }: Outcome): number | undefined {
  if (/^\d+$/.test(retry_after)) return Number(retry_after);
  const date = Date.parse(retry_after);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - ended_at) / 1000);
}

function noKey(configured: number): Answer {
  const fix =
    configured === 0
      ? "set keys of llm-upstream-key (upstream_key in llm-gateway) to a vault reference or a file"
      : "set the environment variable that the vault reference in keys[].value names, or a readable file in keys[].file; the plugin server's log says what each key lacks";
  return refuse(
    503,
    {
      message: `No upstream key is configured: ${fix}.`,
      type: "server_error",
      code: "gateway_unavailable",
    },
    { "Retry-After": "1" },
  );
}

// The note travelled through Kong and back, so it is read like any input.
function isNote(note: Json | undefined): note is { key: number; chosen_at: number } {
  if (typeof note !== "object" || note === null || Array.isArray(note)) return false;
  return typeof note.key === "number" && typeof note.chosen_at === "number";
}
