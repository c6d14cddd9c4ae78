// Settlements that Redis could not take: they wait until it is back, and are then made in their
// order. What is lost stays counted as it was reserved, so a loss is never more than that.

import { Counter } from "prom-client";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";

/** `unknown`: it was settled before, or its reservation is gone; then all that it took stays counted. */
export type Settled = "settled" | "unknown" | "later";

/** True when it was settled by this call. May be done again after a RedisUnavailable. */
type Settlement = () => Promise<boolean>;

// Some 20 MB; beyond this the oldest are dropped.
const mostWaiting = 20_000;
// Made together: few enough to be answered within the time-out of one command.
const batch = 200;

const dropped = new Counter({
  name: "llm_rate_limit_settles_dropped_total",
  help: "Settlements that were given up because Redis was away for too long: their requests stay counted as they were reserved",
});

const waiting = new WeakMap<RedisConnection, Settlement[]>();

/** Settles now, or as soon as Redis is back. */
export async function settleWhenItCan(
  connection: RedisConnection,
  settlement: Settlement,
): Promise<Settled> {
  try {
    return (await settlement()) ? "settled" : "unknown";
  } catch (error) {
    if (!(error instanceof RedisUnavailable)) throw error;
    const queue = queueOf(connection);
    if (queue.length >= mostWaiting) {
      queue.shift();
      dropped.inc();
    }
    queue.push(settlement);
    // An older connection may have failed it while a newer one is up.
    if (connection.state === "up") void settleAll(queue);
    return "later";
  }
}

function queueOf(connection: RedisConnection): Settlement[] {
  const known = waiting.get(connection);
  if (known) return known;
  const queue: Settlement[] = [];
  waiting.set(connection, queue);
  connection.watch(({ state }) => {
    if (state === "up") void settleAll(queue);
  });
  return queue;
}

async function settleAll(queue: Settlement[]): Promise<void> {
  while (queue.length > 0) {
    const some = queue.splice(0, batch);
    const results = await Promise.allSettled(some.map((settlement) => settlement()));
    const failed = some.filter((_, i) => {
      const result = results[i]!;
      return result.status === "rejected" && result.reason instanceof RedisUnavailable;
    });
    if (failed.length === 0) continue;
    queue.unshift(...failed);
    return;
  }
}
