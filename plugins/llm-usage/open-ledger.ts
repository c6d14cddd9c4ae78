// Which ledger the options choose, and what becomes of entries while Redis does not answer: they wait in
// this process, and are made in their order when it is back. The usage lines have them all the same.

import { Counter } from "prom-client";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";
import { redisNeighbour } from "../../stages/redis-neighbour";
import type { Entered, Entry, Ledger } from "./ledger";
import { type DayOf, dayIn } from "./ledger-day";
import { ledgerInMemory } from "./ledger-in-memory";
import { ledgerInRedis } from "./ledger-in-redis";
import type { LedgerOptions } from "./ledger-options";

const results = ["entered", "again", "late", "dropped"] as const;

const counted = new Counter({
  name: "llm_ledger_entries_total",
  help: "Requests by what the ledger did with them: entered; again (told twice, counted once); late (their month is closed, booked in the running one); dropped (Redis was away for too long)",
  labelNames: ["result"] as const,
});
// A series that begins with its first loss has not increased, as Prometheus sees it.
for (const result of results) counted.inc({ result }, 0);

/** A ledger that is in use, and what is known of it beside its rows. */
export interface OpenLedger {
  /** Settles when it is entered, or waits for Redis. */
  enter(entry: Entry): Promise<void>;
  read: Ledger["read"];
  parts: Ledger["parts"];
  dayOf: DayOf;
  timeZone: string;
  policy: "local" | "redis";
  /** Ledgers of one place have the same rows, whatever else their options say. */
  place: string;
}

const opened = new Map<string, OpenLedger>();

/** All ledgers of this process, for who looks at them. */
export function openLedgers(): OpenLedger[] {
  return [...opened.values()];
}

/** The ledger that the options ask for, shared by equal options; undefined where they want none. */
export function openLedger(options: LedgerOptions): OpenLedger | undefined {
  if (options.policy === "none") return undefined;
  const { retain_days, most_rows, time_zone, redis } = options;
  const connection = options.policy === "redis" ? redisNeighbour("usage", redis) : undefined;
  const place = connection && [connection.address, redis.prefix];
  const key = JSON.stringify([place ?? "here", retain_days, most_rows, time_zone]);
  const known = opened.get(key);
  if (known) return known;
  const dayOf = dayIn(time_zone);
  const keeping = { retainDays: retain_days, mostRows: most_rows, dayOf };
  const ledger = connection
    ? ledgerInRedis(connection, redis.prefix, keeping)
    : ledgerInMemory(keeping);
  const made: OpenLedger = {
    enter: connection ? enterWhenItCan(connection, ledger) : enterNow(ledger),
    ...{ read: ledger.read, parts: ledger.parts },
    ...{ dayOf, timeZone: time_zone, policy: connection ? "redis" : "local" },
    place: place ? place.join(" ") : key,
  };
  opened.set(key, made);
  return made;
}

/** Forgets all of them, between tests. */
export function closeLedgers(): void {
  opened.clear();
}

function enterNow(ledger: Ledger): OpenLedger["enter"] {
  return async (entry) => tell(await ledger.enter(entry));
}

// Some 20 MB; beyond this the oldest are dropped.
const mostWaiting = 20_000;
// Made together: few enough to be answered within the time-out of one command.
const batch = 200;

function enterWhenItCan(connection: RedisConnection, ledger: Ledger): OpenLedger["enter"] {
  const queue: Entry[] = [];
  let isMaking = false;

  async function makeAll(): Promise<void> {
    if (isMaking) return;
    isMaking = true;
    try {
      while (queue.length > 0) {
        const some = queue.splice(0, batch);
        const made = await Promise.allSettled(some.map((entry) => ledger.enter(entry)));
        const left = some.filter((_, at) => isUnavailable(made[at]!));
        for (const one of made) if (one.status === "fulfilled") tell(one.value);
        if (left.length === 0) continue;
        queue.unshift(...left);
        return;
      }
    } finally {
      isMaking = false;
    }
  }

  connection.watch(({ state }) => {
    if (state === "up") void makeAll();
  });
  return async (entry) => {
    try {
      tell(await ledger.enter(entry));
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error;
      if (queue.length >= mostWaiting) {
        queue.shift();
        counted.inc({ result: "dropped" });
      }
      queue.push(entry);
      // An older connection may have failed it while a newer one is up.
      if (connection.state === "up") void makeAll();
    }
  };
}

function isUnavailable(made: PromiseSettledResult<Entered>): boolean {
  return made.status === "rejected" && made.reason instanceof RedisUnavailable;
}

function tell(result: Entered): void {
  counted.inc({ result });
}
