// The contract between a stage and whoever runs it (its own plugin, or llm-gateway), and the one
// place that remembers prepared options. Stages know nothing of Kong, Kong nothing of stages.

import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { z } from "zod";
import type { Answer, Exchange } from "./exchange";
import type { Outcome } from "./outcome";
import type { StageName } from "./stage-name";
import type { Told } from "./told";

export interface Stage<Options extends object, Prepared, Note extends z.ZodType = z.ZodNever> {
  name: StageName;
  /**
   * What it must know of a request again when that has ended. It travels through Kong as JSON in the
   * ticket of each request, so it is short, and is checked like any input when it comes back. The schema
   * checks and changes nothing: what this process still has is not read again.
   */
  note?: Note;
  /**
   * A stage that guards refuses the request when it fails (500); one that does not is skipped,
   * logged and counted.
   */
  guards: boolean;
  /** Once for each set of options: compile globs, open connections. */
  prepare(options: Options): Prepared;
  /**
   * Looks at a request before it goes upstream: changes the exchange, or answers.
   * The returned note comes back to `learn`.
   */
  decide(exchange: Exchange, prepared: Prepared): Soon<Decided<z.output<Note>>>;
  /** Whether a request that it let through may go on as one for another model. Default: it may. */
  permits?(exchange: Exchange, model: string, prepared: Prepared): boolean;
  /** Makes the request, as far as it changed it, one for that other model. */
  adapt?(exchange: Exchange, model: string, prepared: Prepared): void;
  /** What it knows about who asks, for GET /v1/usage; looks only, and never at length. */
  tell?(exchange: Exchange, prepared: Prepared): Soon<Told>;
  /**
   * Learns how a request ended that this stage let through. Called once for each request; without a
   * note where it wrote none, or none that can be read came back.
   */
  learn?(outcome: Outcome, note: z.output<Note> | undefined, prepared: Prepared): Soon<void>;
}

/** Now or later. */
type Soon<T> = T | Promise<T>;

/** A stage that answers learns how that ended only where it leaves a note, too. */
export type Decided<Note = unknown> = { answer: Answer; note?: Note } | { note?: Note } | undefined;

/** A stage with the options of one plugin config, ready to decide. */
export interface PreparedStage {
  name: StageName;
  guards: boolean;
  /** Fingerprint of the options: equal options share one prepared stage in every instance. */
  options: string;
  decide(exchange: Exchange): Soon<Decided>;
  permits(exchange: Exchange, model: string): boolean;
  adapt(exchange: Exchange, model: string): void;
  tell(exchange: Exchange): Soon<Told>;
  /** @param note as it came back @param isOwn it was not over a socket: this process still had it */
  learn(outcome: Outcome, note: unknown, isOwn?: boolean): Soon<void>;
}

// Kong starts an instance for each worker and each route, and KIC new ones at every push; what a
// stage prepares (connections, compiled rules) is shared by equal options and outlives them.
const prepared = new LRUCache<string, PreparedStage>({ max: 1000 });
const awaited = new Map<string, Set<(stage: PreparedStage) => void>>();

/** Prepares a stage for its options, or finds the one that is prepared already. */
export function prepareStage<Options extends object, Prepared, Note extends z.ZodType>(
  stage: Stage<Options, Prepared, Note>,
  options: Options,
): PreparedStage {
  const fingerprint = fingerprintOf(options);
  const key = keyOf(stage.name, fingerprint);
  const known = prepared.get(key);
  if (known) return known;
  const state = stage.prepare(options);
  const ready: PreparedStage = {
    name: stage.name,
    guards: stage.guards,
    options: fingerprint,
    decide: (exchange) => stage.decide(exchange, state),
    permits: (exchange, model) => stage.permits?.(exchange, model, state) ?? true,
    adapt: (exchange, model) => stage.adapt?.(exchange, model, state),
    tell: (exchange) => stage.tell?.(exchange, state) ?? {},
    learn: (outcome, note, isOwn) => {
      const known = isOwn ? (note as z.output<Note>) : stage.note?.safeParse(note).data;
      return stage.learn?.(outcome, known, state);
    },
  };
  prepared.set(key, ready);
  for (const wake of awaited.get(key) ?? []) wake(ready);
  awaited.delete(key);
  return ready;
}

export function preparedStage(name: StageName, fingerprint: string): PreparedStage | undefined {
  return prepared.get(keyOf(name, fingerprint));
}

/** Calls back when that stage is prepared; the returned function stops the waiting. */
export function onPrepared(
  name: StageName,
  fingerprint: string,
  wake: (stage: PreparedStage) => void,
): () => void {
  const key = keyOf(name, fingerprint);
  const wakes = awaited.get(key) ?? new Set();
  awaited.set(key, wakes.add(wake));
  return () => {
    wakes.delete(wake);
    if (wakes.size === 0) awaited.delete(key);
  };
}

function keyOf(name: StageName, fingerprint: string): string {
  return `${name}:${fingerprint}`;
}

/** The options were parsed by a zod object, so equal options list their fields in the same order. */
export function fingerprintOf(options: object): string {
  return createHash("sha256").update(JSON.stringify(options)).digest("base64url").slice(0, 22);
}
