// Answers a request from the cache, lets it follow an equal one that is under way, or marks it so
// that its answer is stored. It does not guard: when it fails, the request goes upstream as if there
// were no cache.

import { Counter, Gauge } from "prom-client";
import { z } from "zod";
import { familyOf } from "../../families/endpoint";
import { type Answer, type Exchange, refuse } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { delivery } from "../../stages/outcome";
import type { Decided, Stage } from "../../stages/stage";
import type { CacheStatus } from "../../stages/ticket";
import type { Answers, Entry, Found } from "./answers";
import { cacheKey, type Identity, identify } from "./cache-key";
import { type Directives, readDirectives, varies, whyUnstorable } from "./cacheable";
import { follow, land, lead } from "./flight";
import { openAnswers } from "./open-answers";
import { mayHave, modelThatServed, tellModel } from "./other-model";
import type { CacheOptions } from "./schema";

interface Prepared {
  options: CacheOptions;
  /** Undefined where the cache is switched off. */
  answers: Answers | undefined;
}

const lookups = new Counter({
  name: "llm_cache_lookups_total",
  help: "Requests by what the cache did: Hit, Miss, Refresh (asked for a newer answer) or Bypass",
  labelNames: ["status", "policy"] as const,
});

const flights = new Counter({
  name: "llm_cache_single_flight_total",
  help: "Requests that led equal ones, and those that waited for a leader: answered with its answer (followed), or sent upstream because it brought none (failed) or took too long (late)",
  labelNames: ["result", "policy"] as const,
});

const waiting = new Gauge({
  name: "llm_cache_waiting_requests",
  help: "Requests that wait now for the answer of an equal one",
});

const stores = new Counter({
  name: "llm_cache_stores_total",
  help: "Answers of missed requests: stored, or why not",
  labelNames: ["result", "policy"] as const,
});

/** Under which key the answer is to be stored, of which model, and whether equal requests wait for it. */
const missed = z.object({ key: z.string(), model: z.string(), leads: z.boolean().optional() });
type Missed = z.infer<typeof missed>;

export const stage: Stage<CacheOptions, Prepared, typeof missed> = {
  name: "cache",
  note: missed,
  guards: false,
  prepare: (options) => ({ options, answers: options.enabled ? openAnswers(options) : undefined }),
  decide,
  learn,
};

async function decide(exchange: Exchange, prepared: Prepared): Promise<Decided<Missed>> {
  const { options, answers } = prepared;
  if (!answers) return undefined;
  const directives = readDirectives(
    options.cache_control ? exchange.request.cache_control : undefined,
  );
  const key = directives.noStore ? undefined : keyOf(exchange, options);
  if (key === undefined) {
    mark(exchange, "Bypass", answers);
    return directives.onlyIfCached ? { answer: notCached(exchange) } : undefined;
  }

  exchange.responseHeaders["X-Cache-Key"] = key;
  const found = await findFor(key, exchange, directives, { options, answers });
  if (found.state === "entry") {
    mark(exchange, "Hit", answers);
    return { answer: replay(exchange, found.entry) };
  }

  mark(exchange, asksForNewer(directives, found) ? "Refresh" : "Miss", answers);
  if (directives.onlyIfCached) return { answer: notCached(exchange) };
  exchange.keep = Math.max(exchange.keep, options.max_entry_bytes);
  const leads = found.state === "leads";
  return { note: { key, model: modelOf(exchange), ...(leads && { leads }) } };
}

async function learn(outcome: Outcome, note: Missed | undefined, prepared: Prepared) {
  const { options, answers } = prepared;
  if (!answers || !note) return;
  const leader = note.leads ? outcome.ticket.id : undefined;
  const reason = whyUnstorable(outcome, options.max_entry_bytes);
  stores.inc({ result: reason ?? "stored", policy: answers.policy });
  const entry = reason ? undefined : entryOf(outcome, modelThatServed(outcome) ?? note.model);

  // Stored first: who comes between finds the entry, or is told below.
  if (entry) await answers.keep(note.key, entry, ttlMs(options, outcome.ticket.endpoint), leader);
  else if (leader) await answers.release(note.key, leader);
  if (leader) land(leader, entry);
}

/** What there is for this request that its caller may have. */
async function findFor(...asked: Parameters<typeof find>): Promise<Found> {
  const found = await find(...asked);
  const isClosed = found.state === "entry" && !mayHave(asked[1], found.entry.model);
  return isClosed ? { state: "none", older: false } : found;
}

/** An entry for this request, be it that of a leader that it waited for; or what there is instead. */
async function find(
  key: string,
  exchange: Exchange,
  directives: Directives,
  { options, answers }: { options: CacheOptions; answers: Answers },
): Promise<Found> {
  if (directives.maxAgeSeconds === 0) return { state: "none", older: true };
  const { id, endpoint } = exchange.ticket;
  const leaseMs = mayLead(options, directives) ? options.wait_ms : 0;
  const after = oldest(directives, ttlMs(options, endpoint));
  const found = await answers.look(key, { after, id, leaseMs });
  if (found.state === "leads") {
    flights.inc({ result: "led", policy: answers.policy });
    lead(id, leaseMs);
  }
  if (found.state !== "follows" || leaseMs === 0) return found;

  const { older, leader, leftMs } = found;
  waiting.inc();
  const landing = await follow(leader, Math.min(leftMs, leaseMs), () =>
    answers.look(key, { after, id, leaseMs: 0 }),
  );
  waiting.dec();
  const result = typeof landing === "string" ? landing : "followed";
  flights.inc({ result, policy: answers.policy });
  if (typeof landing !== "string") return { state: "entry", entry: landing };
  exchange.ticket.held_until = Date.now();
  return { state: "none", older };
}

// Whoever leads must be heard of again: a host without an outcomes socket would let all that follow
// wait in vain. And a client that wants a stored answer or none does not wait.
function mayLead({ single_flight }: CacheOptions, { onlyIfCached }: Directives): boolean {
  return single_flight && !onlyIfCached && delivery.socket !== undefined;
}

// A client is told the age in whole seconds, so max-age=30 takes what is almost 31 seconds old.
function oldest({ maxAgeSeconds }: Directives, ttl: number): number {
  return Date.now() - Math.min(ttl, (maxAgeSeconds + 1) * 1000);
}

function ttlMs({ endpoint_ttls, ttl_seconds }: CacheOptions, endpoint: string): number {
  const own = endpoint_ttls.find((ttl) => ttl.endpoint === endpoint);
  return (own?.ttl_seconds ?? ttl_seconds) * 1000;
}

/** The key of a request that may be cached; undefined for all others. */
function keyOf(exchange: Exchange, options: CacheOptions): string | undefined {
  const { request, consumer, body, ticket } = exchange;
  const identity: Identity | undefined = identify(consumer, options);
  const cached = (options.endpoints as string[]).includes(ticket.endpoint);
  const family = familyOf(ticket.endpoint);
  if (!cached || !identity || !body || family.dependsOnState(body.value)) return undefined;
  const { max_temperature } = options;
  if (max_temperature !== undefined && varies(ticket.endpoint, body.value, max_temperature)) {
    return undefined;
  }
  return cacheKey({
    identity,
    service: ticket.provider ?? request.service ?? request.route ?? "",
    path: request.path,
    query: request.query,
    versions: versionsIn(exchange),
    body: body.text,
    ignoreFields: options.ignore_fields,
    marks: family.marks,
  });
}

/** Headers that make the same body another request. */
function versionsIn({ request, upstreamHeaders }: Exchange): string[] {
  const version = request.anthropic_version ?? upstreamHeaders["anthropic-version"];
  return [version, request.anthropic_beta].filter((one) => typeof one === "string");
}

function mark(exchange: Exchange, status: CacheStatus, { policy }: Answers): void {
  exchange.responseHeaders["X-Cache-Status"] = status;
  exchange.ticket.cache = status;
  lookups.inc({ status, policy });
}

// Nodes that share a Redis may have clocks that differ: an entry of the future is a new one.
function replay(exchange: Exchange, entry: Entry): Answer {
  tellModel(exchange, entry.model);
  const age = Math.max(0, Math.floor((Date.now() - entry.stored_at) / 1000));
  return {
    status: entry.status,
    headers: {
      "Content-Type": entry.content_type,
      Age: String(age),
      ...exchange.responseHeaders,
    },
    body: entry.body.toString(),
    source: "cache",
  };
}

/** The client wants no answer but a stored one, and there is none (RFC 9111, section 5.2.1.7). */
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

function asksForNewer({ maxAgeSeconds }: Directives, found: Exclude<Found, { entry: Entry }>) {
  return maxAgeSeconds === 0 || (Number.isFinite(maxAgeSeconds) && found.older);
}

function entryOf(outcome: Outcome, model: string): Entry {
  const { status, content_type, body, ended_at, ticket } = outcome;
  const consumer = shortened(ticket.consumer);
  return { status, content_type, stored_at: ended_at, model, consumer, body };
}

function modelOf({ ticket, body }: Exchange): string {
  return shortened(ticket.model?.served ?? body?.get("model"));
}

// Names by which an operator finds entries; the first line of an entry has its bound.
function shortened(name: unknown): string {
  return typeof name === "string" ? name.slice(0, 200) : "";
}
