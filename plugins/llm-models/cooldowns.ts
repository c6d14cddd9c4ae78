// What is known of models that fail, wherever it is kept: a model is healthy; fails often enough and
// cools; is due when that time is over; then one request probes it, and its outcome decides for all.

import type { Heard } from "../../stages/allowances";
import type { AnswerKind, Pace } from "./pace";

/** What is known of one model of one service. Times in milliseconds since the epoch. */
export interface Cooldown {
  /** When it last began to cool or came back: requests that were sent before tell nothing new. */
  since: number;
  /** It cools until then, and is due after that; 0 while it is healthy. */
  until: number;
  /** Until then one request probes it; 0 while none does. */
  probedUntil: number;
  /** What other nodes have heard is left of the target's limits. */
  heard?: Heard[];
  /** What all nodes together know of how soon it answers, by the kind of answer. */
  paces?: [AnswerKind, Pace][];
}

/** A failed request: when it was sent and when it ended, and how long the model shall cool. */
export interface Failure {
  sentAt: number;
  endedAt: number;
  coolMs: number;
  /** The upstream said itself how long it wants to be left alone. */
  atOnce: boolean;
}

/** How many failures within how many milliseconds make a model cool. */
export interface Tolerance {
  failures: number;
  windowMs: number;
}

/** A target is a model of one service: fallback.ts names it. */
export interface Cooldowns {
  /** What is known of the targets, in their order. */
  look(targets: readonly string[]): Promise<Cooldown[]>;
  /** Takes the one probe of a target that is due: 0, else after how many ms one may ask again. */
  takeProbe(target: string, leaseMs: number): Promise<number>;
  /** True when the target begins to cool by this failure. */
  fail(target: string, failure: Failure, tolerance: Tolerance): Promise<boolean>;
  /** True when the target comes back by this success. */
  succeed(target: string, sentAt: number, endedAt: number): Promise<boolean>;
  /** Gives the probe back, because its request has told nothing. */
  releaseProbe(target: string): Promise<void>;
  /** Tells the others what the target's upstream said is left; allowances.ts has it already. */
  tell(target: string, heard: Heard): Promise<void>;
  /** Adds to how soon the target answers, and tells what all know of it then, where they were asked. */
  measure(target: string, kind: AnswerKind, pace: Pace): Promise<Pace | undefined>;
}
