// What must be known again when the answer has come. Lua carries it as opaque text beside the
// request, so the plugin server keeps no state of requests in flight: a restart between question
// and answer loses nothing. It holds no key and no prompt.

import type { StageName } from "./stage-name";

export type CacheStatus = "Hit" | "Miss" | "Bypass" | "Refresh";

export interface Ticket {
  /** Kong's request id, the one the client sees as X-Kong-Request-Id. */
  id: string;
  /** When the stages first saw the request, in milliseconds since the epoch. */
  started_at: number;
  method: string;
  endpoint: string;
  stream: boolean;
  route?: string;
  consumer?: string;
  /**
   * What the client asked for, what goes upstream, and the bounded name for metrics; where a
   * fallback serves, the model that was left; where a budget has put a cheaper one in the place of one
   * that would have served, that one.
   */
  model?: {
    requested: string;
    served: string;
    label: string;
    fallback_from?: string;
    moved_from?: string;
  };
  /** The provider that serves, where the options name several; else the service is it. */
  provider?: string;
  /** With which key of the provider's, where it has several. */
  key?: KeyOfMany;
  /** Another one of them was awake: what this one is refused for is not the model's failure. */
  other_key?: true;
  /** What each further try would have been served by, in the order of the decision's. */
  tries?: TicketTry[];
  /** Where the model was chosen among several. */
  choice?: Choice;
  /** Where the client asks which models there are: the names that are choices, and who may serve each. */
  choices?: { name: string; models: string[] }[];
  cache?: CacheStatus;
  /** Until when it waited for the answer of an equal one, in vain; in milliseconds since the epoch. */
  held_until?: number;
  /** How often personal data was found, by what recognised it; never what. */
  personal_data?: Record<string, number>;
  /**
   * What the rate limit decided, and which limit it was that refused, as in "tokens per minute"; or the
   * budget of which so much is used that a cheaper model serves.
   */
  limit?: { decision: string; by?: string; moved_by?: string };
  /** Which stages decided, with which options, and what each must remember. */
  stages: Partial<Record<StageName, StageEntry>>;
}

export interface TicketTry {
  served: string;
  label: string;
  fallback_from?: string;
  provider?: string;
  key?: KeyOfMany;
  other_key?: true;
}

/** The place of a key in the options of its provider, or service, and how many there are. */
export type KeyOfMany = [place: number, keys: number];

/** A choice among several models, as it was made for a request. choice.ts says how it changes. */
export interface Choice {
  /** The name that the client asked for. */
  requested: string;
  /** The name of the choice as it is configured, which all names share that it matches. */
  name: string;
  /** Who serves, and who else can, best first, each with its tier. */
  models: [model: string, tier: string][];
  /** The tier that serves, and why it is that one. */
  tier: string;
  reason: ChoiceReason;
  /** What would serve without the choice. */
  baseline?: string;
  /** Nothing was changed: this is what would have been. */
  dry_run?: true;
}

/**
 * Who asked for the tier that serves (the client's `wish`, a `rule`, the `difficulty`), or why the first
 * choice does not: its models cannot (`ability`), it may not be used (`access`), is not well (`cooldown`)
 * or has no room (`budget`), it failed and a `second_try` was another one's.
 */
export type ChoiceReason =
  | "wish"
  | "rule"
  | "difficulty"
  | "ability"
  | "access"
  | "cooldown"
  | "budget"
  | "second_try";

export interface StageEntry {
  /** Fingerprint of the options that decided; finds the same options again after a restart. */
  options: string;
  /** As the stage says in its `note`. */
  note?: unknown;
}

export function writeTicket(ticket: Ticket): string {
  return endingWithId({ ...ticket, id: undefined }, ticket.id);
}

/** JSON of what has members, with the id as its last one, as lua/ask.lua wants it. */
export function endingWithId(told: object, id: string): string {
  return `${JSON.stringify(told).slice(0, -1)},"id":${JSON.stringify(id)}}`;
}

/** Reads a ticket that came back. It comes over a socket, so nothing about it is trusted. */
export function readTicket(text: string): Ticket | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const ticket = value as Ticket;
  const whole =
    typeof ticket.id === "string" &&
    typeof ticket.started_at === "number" &&
    typeof ticket.endpoint === "string" &&
    typeof ticket.stages === "object" &&
    ticket.stages !== null;
  return whole ? ticket : undefined;
}
