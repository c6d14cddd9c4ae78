// Answers a request from the cache, or marks it so that its answer is stored. It does not guard:
// when it fails, the request goes upstream as if there were no cache.

import { Counter } from "prom-client";
import { type Answer, type Exchange, refuse } from "../../kong/exchange";
import type { Outcome } from "../../kong/outcome";
import type { Decided, Stage } from "../../kong/stage";
import type { CacheStatus, Json } from "../../kong/ticket";
import { cacheKey, type Identity, identify } from "./cache-key";
import { type Directives, dependsOnState, readDirectives, whyUnstorable } from "./cacheable";
import type { Entry } from "./entry";
import type { CacheOptions } from "./schema";
import { openStore, type Store } from "./store";

interface Prepared {
  options: CacheOptions;
  store: Store;
}

const lookups = new Counter({
  name: "llm_cache_lookups_total",
  help: "Requests by what the cache did: Hit, Miss, Refresh (asked for a newer answer) or Bypass",
  labelNames: ["status", "policy"] as const,
});

const stores = new Counter({
  name: "llm_cache_stores_total",
  help: "Answers of missed requests: stored, or why not",
  labelNames: ["result", "policy"] as const,
});

export const stage: Stage<CacheOptions, Prepared> = {
  name: "cache",
  guards: false,
  prepare: (options) => ({ options, store: openStore(options) }),
  decide,
  learn,
};

async function decide(exchange: Exchange, { options, store }: Prepared): Promise<Decided> {
  const directives = readDirectives(
    options.cache_control ? exchange.request.cache_control : undefined,
  );
  const key = directives.noStore ? undefined : keyOf(exchange, options);
  if (key === undefined) {
    mark(exchange, "Bypass", store);
    return directives.onlyIfCached ? { answer: notCached(exchange) } : undefined;
  }

  exchange.responseHeaders["X-Cache-Key"] = key;
  const entry = directives.maxAgeSeconds > 0 ? await store.read(key) : undefined;
  const age = entry ? ageSeconds(entry) : Number.POSITIVE_INFINITY;
  if (entry && age < options.ttl_seconds && age <= directives.maxAgeSeconds) {
    mark(exchange, "Hit", store);
    return { answer: replay(exchange, entry, age) };
  }

  mark(exchange, asksForNewer(directives, entry) ? "Refresh" : "Miss", store);
  if (directives.onlyIfCached) return { answer: notCached(exchange) };
  exchange.keep = Math.max(exchange.keep, options.max_entry_bytes);
  return { note: { key, model: modelOf(exchange) } };
}

async function learn(outcome: Outcome, note: Json | undefined, prepared: Prepared): Promise<void> {
  const { options, store } = prepared;
  if (!isNote(note)) return;
  const reason = whyUnstorable(outcome, options.max_entry_bytes);
  stores.inc({ result: reason ?? "stored", policy: store.policy });
  if (reason) return;
  const { status, content_type, body, ended_at } = outcome;
  const entry = { status, content_type, stored_at: ended_at, model: note.model, body };
  await store.write(note.key, entry, options.ttl_seconds * 1000);
}

/** The key of a request that may be cached; undefined for all others. */
function keyOf(exchange: Exchange, options: CacheOptions): string | undefined {
  const { request, consumer, body, ticket } = exchange;
  const identity: Identity | undefined = identify(consumer, options);
  const cached = (options.endpoints as string[]).includes(ticket.endpoint);
  if (!cached || !identity || !body || dependsOnState(body.value)) return undefined;
  return cacheKey({
    identity,
    service: request.service ?? request.route ?? "",
    path: request.path,
    body: body.text,
    ignoreFields: options.ignore_fields,
  });
}

function mark(exchange: Exchange, status: CacheStatus, { policy }: Store): void {
  exchange.responseHeaders["X-Cache-Status"] = status;
  exchange.ticket.cache = status;
  lookups.inc({ status, policy });
}

function replay(exchange: Exchange, entry: Entry, age: number): Answer {
  return {
    status: entry.status,
    headers: {
      ...exchange.responseHeaders,
      "Content-Type": entry.content_type,
      Age: String(age),
    },
    body: entry.body.toString(),
    source: "cache",
  };
}

// RFC 9111, section 5.2.1.7: 504 when the client wants no answer but a stored one.
function notCached(exchange: Exchange): Answer {
  return refuse(
    504,
    {
      message:
        "This answer is not in the cache, and Cache-Control only-if-cached forbids asking the model; send the request without it.",
      type: "invalid_request_error",
      code: "not_cached",
    },
    { ...exchange.responseHeaders, "x-should-retry": "false" },
  );
}

function asksForNewer({ maxAgeSeconds }: Directives, entry: Entry | undefined): boolean {
  return maxAgeSeconds === 0 || (entry !== undefined && ageSeconds(entry) > maxAgeSeconds);
}

// Nodes that share a Redis may have clocks that differ: an entry of the future is a new one.
function ageSeconds(entry: Entry): number {
  return Math.max(0, Math.floor((Date.now() - entry.stored_at) / 1000));
}

function modelOf({ ticket, body }: Exchange): string {
  const model = ticket.model?.served ?? body?.get("model");
  return typeof model === "string" ? model.slice(0, 200) : "";
}

// The note travelled through Kong and back, so it is read like any input.
function isNote(note: Json | undefined): note is { key: string; model: string } {
  if (typeof note !== "object" || note === null || Array.isArray(note)) return false;
  return typeof note.key === "string" && typeof note.model === "string";
}
