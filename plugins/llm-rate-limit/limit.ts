// What a limit is, and the name under which its tally is kept. The size of a limit is no part of it: a
// budget that is raised, or lowered, remembers what was spent.

import type { Identity } from "./identity";
import type { Window } from "./windows";

/** What can be counted. `concurrency` counts the requests under way, all others count in windows. */
export const measures = [
  "requests",
  "tokens",
  "input_tokens",
  "output_tokens",
  "cost_usd",
  "concurrency",
] as const;

export type Measure = (typeof measures)[number];

export interface Limit {
  measure: Measure;
  /** `lease` for concurrency: a request holds its place until it has ended, or its lease has. */
  window: Window | "lease";
  /** The largest whole amount: requests, tokens, or billionths of a dollar. */
  most: number;
  /** The glob of the models that it is for; all models without it. */
  model?: string;
}

/** What one decision wants from a limit: a fixed amount, and so much for each token of output. */
export interface Take {
  limit: Limit;
  /** Whose limit it is, where it is not that of the identity that asks. */
  who?: Identity;
  /** 0 looks only. */
  amount: number;
  each: number;
}

/** How many tokens of output one decision wants, and with how few it would do. */
export interface Output {
  wanted: number;
  least: number;
}

export const noOutput: Output = { wanted: 0, least: 0 };

/**
 * The name of a tally. The namespace stands in braces: Redis Cluster chooses the slot by what they
 * hold, so limits of everybody, of a team and of a consumer can be taken from in one script.
 * @param identity percent-encoded where it is a name, so that it holds no `|`
 */
export function tallyName(namespace: string, identity: string, limit: Limit): string {
  const { measure, window, model } = limit;
  const name = `{${namespace}}:${measure}:${window}:${identity}`;
  return model === undefined ? name : `${name}|${encodeURIComponent(model)}`;
}

/** The name of the reservation that a request has made: it is there until it is settled, once. */
export function reservationName(namespace: string, id: string): string {
  return `{${namespace}}:reservation:${id}`;
}

/** The name of the mark that is gone when all tallies of a namespace are. */
export function markName(namespace: string): string {
  return `{${namespace}}:mark`;
}

/** Whether what a decision takes from a limit is to be corrected when the request has ended. */
export function settles({ limit, amount, each }: Take, output: number): boolean {
  return limit.measure !== "requests" && amount + each * output > 0;
}
