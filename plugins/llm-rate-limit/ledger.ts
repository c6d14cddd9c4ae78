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
  /** At the last request that took of it; null for concurrency, as what remains. */
  limit: number | null;
  used: number;
  remaining: number | null;
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
    .map((key) => readAccount(connection, key, partsOf(key, prefix)!, millis(now)));
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
  const reservations = await reservationsOf(connection, prefix, identity);
  for (const some of [reservations, keys]) {
    await connection.run((client) => Promise.all(some.map((key) => client.unlink(key))));
  }
  return keys.length;
}

/** The reservations that an identity has made: each holds its name. */
async function reservationsOf(
  connection: RedisConnection,
  prefix: string,
  identity: string,
): Promise<string[]> {
  const found: string[] = [];
  const pattern = `${literally(prefix)}:limit:{*}:reservation:*`;
  for await (const page of pagesOfKeys(connection, pattern)) {
    const makers = await connection.run((client) =>
      Promise.all(page.map((key) => client.get(key))),
    );
    found.push(...page.filter((_, at) => makers[at] === identity));
  }
  return found;
}

async function keysOf(
  connection: RedisConnection,
  prefix: string,
  identity: string,
): Promise<string[]> {
  const pattern = `${literally(prefix)}:limit:{*}:*:*:${literally(identity)}*`;
  const keys = new Set<string>();
  for await (const page of pagesOfKeys(connection, pattern)) {
    for (const key of page) if (partsOf(key, prefix)?.identity === identity) keys.add(key);
  }
  return [...keys];
}

interface Parts extends Pick<Account, "namespace" | "measure" | "window" | "model"> {
  identity: string;
}

/** What the name of a tally says; undefined for what is none. */
function partsOf(key: string, prefix: string): Parts | undefined {
  const name = key.slice(`${prefix}:limit:`.length);
  const [, namespace, measure, window, identity, model] =
    /^\{([^{}]*)\}:(\w+):(\w+):([^|]*)(?:\|(.*))?$/.exec(name) ?? [];
  if (namespace === undefined || identity === undefined) return undefined;
  if (!measures.includes(measure as Measure)) return undefined;
  if (window !== "lease" && !windows.includes(window as Window)) return undefined;
  const models = model === undefined ? null : decodeURIComponent(model);
  const counted = { measure: measure as Measure, window: window as Account["window"] };
  return { namespace, ...counted, model: models, identity };
}

// How much a limit of requests under way holds is in no key; of a day or month the key itself knows the
// end, whatever calendar it is of: it expires then.
async function readAccount(
  connection: RedisConnection,
  key: string,
  { identity, ...named }: Parts,
  now: number,
): Promise<Account> {
  const { window } = named;
  if (window === "lease") {
    const used = await connection.run((client) => client.zcount(key, now + 1, "+inf"));
    return account(named, undefined, used, null);
  }
  const [found, left] = await connection.run((client) =>
    Promise.all([client.hmget(key, "start", "count", "previous", "most"), client.pttl(key)]),
  );
  const [start, count, previous, most] = found.map(Number) as [number, number, number, number];
  if (window === "day" || window === "month") {
    return account(named, most, count, Math.ceil(Math.max(0, left) / 1000));
  }
  const tally = tallyAt(window, { start, count, previous }, now);
  const free = Math.ceil(resetOf(window, tally, now) / 1000);
  return account(named, most, usedOf(window, tally, now), free);
}

function account(
  named: Pick<Account, "namespace" | "measure" | "window" | "model">,
  most: number | undefined,
  used: number,
  free_in_seconds: number | null,
): Account {
  const shown = (amount: number) => (named.measure === "cost_usd" ? Number(usd(amount)) : amount);
  return {
    ...named,
    limit: most === undefined ? null : shown(most),
    used: shown(used),
    remaining: most === undefined ? null : shown(Math.max(0, most - used)),
    free_in_seconds,
  };
}

function millis([seconds, micros]: (string | number)[]): number {
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
