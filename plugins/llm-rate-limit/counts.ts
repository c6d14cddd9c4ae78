// What counting does, wherever it is counted: a decision takes from every limit of an identity or from
// none, and is settled once, when it is known what was used.

import type { Calendar } from "./calendar";
import type { Identity } from "./identity";
import type { Limit, Output, Take } from "./limit";

/** What one limit says about a decision. Times in milliseconds. */
export interface LimitState {
  limit: Limit;
  /** As in its Take. */
  who?: Identity;
  /** What is left of it, after what was taken. */
  remaining: number;
  /** Until all of it is free again. */
  resetMs: number;
  /** Until the amount fits: 0 when it did, Infinity when it never will. */
  waitMs: number;
  /** Of the bucket that it was taken in, in milliseconds since the epoch. */
  start: number;
}

export interface Taken {
  /** All amounts were taken; otherwise none was. */
  taken: boolean;
  /** When, in milliseconds since the epoch, by the clock that decided. */
  at: number;
  /** Tokens of output that were taken for. */
  output: number;
  /** In the order of what was to be taken. */
  limits: LimitState[];
}

/** What is corrected of one limit: `change` is what was used minus what was taken. */
export interface Correction {
  limit: Limit;
  /** The key of whose limit it is, where it is not that of the identity that asked. */
  who?: string;
  /** Of the bucket that was taken in. */
  start: number;
  change: number;
}

/** What a settlement has seen of a limit. */
export interface Spent {
  /** With the most that it held at the last request. */
  limit: Limit;
  /** The key of whose limit it is. */
  who: string;
  /** Of the bucket that is counted now, in milliseconds since the epoch. */
  start: number;
  /** All that is used of it now, what is reserved for requests under way too. */
  used: number;
}

/** Is told what a settlement saw, where it was made by that call. */
export type SeeSpent = (spent: Spent[]) => void;

/** What all decisions of one config share. */
export interface Counting {
  /** Configs that have the same one count together. */
  namespace: string;
  /** How long a place of a request under way is held that nobody gives back. */
  leaseMs: number;
  /** Where days and months begin; that of UTC where it is not said. */
  calendar?: Calendar;
}

export interface Counts {
  /** Takes every amount from its limit, or nothing from any. @param id of the request */
  take(identity: string, id: string, takes: Take[], output: Output): Promise<Taken>;
  /**
   * Corrects what a request has taken, if it is still to be settled. False when it was settled before,
   * or its reservation is gone: then all that it took stays counted. A lease is given back each time.
   */
  settle(identity: string, id: string, corrections: Correction[], see?: SeeSpent): Promise<boolean>;
}
