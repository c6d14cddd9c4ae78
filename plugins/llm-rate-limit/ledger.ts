// What a Redis holds about the limits of one identity: for an operator, never for a request. It walks
// over the keys in pages (SCAN), as limits change and nobody keeps a list of those that were taken of.

import type { RedisConnection } from "../../redis/connection";
import { literally, pagesOfKeys } from "../../redis/pages";
import { usd } from "./dollars";
import { type Measure, measures } from "./limit";
import { resetOf, tallyAt, usedOf, type Window, windows } from "./windows";

/** One limit that the identity has taken of. Tokens, requests, or US dollars. */
export interface Account {
  namespace: string;
  measure: Measure;
  window: Window | "lease";
  /** The glob of the models that it is for; null for all. */
  model: string | null;
  limit: number;
  used: number;
  remaining: number;
  /** Seconds until all of it is free again, if nothing more is taken; null for concurrency. */
  free_in_seconds: number | null;
}

/** The limits that an identity has taken of, in the order of their names. Throws RedisUnavailable. */
export async function accountsOf(
  connection: RedisConnection,
  prefix: string,
  identity: string,
): Promise<Account[]> {
  const now = await connection.run((client) => client.time());
  const keys = await keysOf(connection, prefix, identity);
  const read = keys
    .sort()
    .map((key) => readAccount(connection, key, key.slice(`${prefix}:limit:`.length), millis(now)));
  return (await Promise.all(read)).filter((account) => account !== undefined);
}

/**
 * Forgets all that an identity has taken, and what it has reserved: requests under way are not
 * settled any more. Returns how many limits are free again. Throws RedisUnavailable.
 */
export async function forget(
  connection: RedisConnection,
  prefix: string,
  identity: string,
): Promise<number> {
  const keys = await keysOf(connection, prefix, identity);
  // Reservations first: what is settled in between must not count against a new tally.
  const reservations = keys.filter((key) => key.includes("}:reservation:"));
  const tallies = keys.filter((key) => !reservations.includes(key));
  for (const some of [reservations, tallies]) {
    await connection.run((client) => Promise.all(some.map((key) => client.unlink(key))));
  }
  return tallies.length;
}

async function keysOf(
  connection: RedisConnection,
  prefix: string,
  identity: string,
): Promise<string[]> {
  const pattern = `${literally(prefix)}:limit:*:{${literally(identity)}}:*`;
  const keys = new Set<string>();
  for await (const page of pagesOfKeys(connection, pattern)) {
    for (const key of page) keys.add(key);
  }
  return [...keys];
}

async function readAccount(
  connection: RedisConnection,
  key: string,
  name: string,
  now: number,
): Promise<Account | undefined> {
  const [, namespace, measure, window, most, model] =
    /^(.*):\{[^{}]*\}:(\w+):(\w+):(\d+)(?::(.*))?$/.exec(name) ?? [];
  if (namespace === undefined || !measures.includes(measure as Measure)) return undefined;
  const models = model === undefined ? null : decodeURIComponent(model);
  const named = { namespace, measure: measure as Measure, model: models };
  if (window === "lease") {
    const used = await connection.run((client) => client.zcount(key, now + 1, "+inf"));
    return account({ ...named, window }, Number(most), used, null);
  }
  if (!windows.includes(window as Window)) return undefined;
  const found = await connection.run((client) => client.hmget(key, "start", "count", "previous"));
  const [start, count, previous] = found.map(Number) as [number, number, number];
  const tally = tallyAt(window as Window, { start, count, previous }, now);
  const used = usedOf(window as Window, tally, now);
  const free = Math.ceil(resetOf(window as Window, tally, now) / 1000);
  return account({ ...named, window: window as Window }, Number(most), used, free);
}

function account(
  named: Pick<Account, "namespace" | "measure" | "window" | "model">,
  most: number,
  used: number,
  free_in_seconds: number | null,
): Account {
  const shown = (amount: number) => (named.measure === "cost_usd" ? Number(usd(amount)) : amount);
  return {
    ...named,
    ...{ limit: shown(most), used: shown(used), remaining: shown(Math.max(0, most - used)) },
    free_in_seconds,
  };
}

function millis([seconds, micros]: (string | number)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
