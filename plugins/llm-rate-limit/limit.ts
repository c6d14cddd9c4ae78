// What a limit is, and the name under which its tally is kept. The size of a limit is part of the
// name, so a changed limit starts clean.

import type { RateLimitOptions } from "./schema";
import { type Window, windows } from "./windows";

export interface Limit {
  /** What is counted. */
  measure: "requests";
  window: Window;
  /** The largest whole amount within the window. */
  most: number;
}

/** An amount that one decision wants from a limit; 0 looks only. */
export interface Take {
  limit: Limit;
  amount: number;
}

/** The limits of a config, shortest window first. */
export function limitsOf({ requests }: RateLimitOptions): Limit[] {
  return windows.flatMap((window) => {
    const most = requests[window];
    return most === undefined ? [] : [{ measure: "requests" as const, window, most }];
  });
}

/**
 * The name of a tally. The identity stands in braces: Redis Cluster chooses the slot by what they
 * hold, so all limits of one identity can be taken from in one script.
 */
export function tallyName(namespace: string, identity: string, limit: Limit): string {
  return `${namespace}:{${identity}}:${limit.measure}:${limit.window}:${limit.most}`;
}
