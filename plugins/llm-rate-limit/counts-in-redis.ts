// The counts of all nodes, in a Redis: one run of take.lua a decision, one of settle.lua for its end.
// The only place that knows the positions of the scripts' arguments and replies.

import { join } from "node:path";
import type { RedisConnection } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import type { Counting, Counts, LimitState, Taken } from "./counts";
import { type Limit, type Output, reservationName, settles, type Take, tallyName } from "./limit";

const take = loadScript(join(__dirname, "take.lua"));
const settle = loadScript(join(__dirname, "settle.lua"));

/**
 * Each call is one round trip, and rejects with RedisUnavailable where it is not known whether it was
 * done. A settlement may be made again then.
 */
export function countsInRedis(
  connection: RedisConnection,
  prefix: string,
  { namespace, leaseMs }: Counting,
): Counts {
  const keysOf = (identity: string, limits: Limit[], reservedBy?: string) => {
    const names = limits.map((limit) => tallyName(namespace, identity, limit));
    if (reservedBy !== undefined) names.push(reservationName(namespace, identity, reservedBy));
    return names.map((name) => `${prefix}:limit:${name}`);
  };

  return {
    async take(identity, id, takes, output) {
      const isReserved = takes.some((take) => settles(take, output.wanted));
      const limits = takes.map(({ limit }) => limit);
      const keys = keysOf(identity, limits, isReserved ? id : undefined);
      const args = takeArguments(id, leaseMs, takes, output);
      const reply = await connection.run((client) => take(client, keys, args));
      return readTaken(reply as number[], takes);
    },

    async settle(identity, id, corrections) {
      const limits = corrections.map(({ limit }) => limit);
      const keys = keysOf(identity, limits, id);
      const args = corrections.flatMap(({ limit, start, change }) => [limit.window, start, change]);
      return (await connection.run((client) => settle(client, keys, [id, ...args]))) === 1;
    },
  };
}

/** ARGV of take.lua. */
export function takeArguments(
  id: string,
  leaseMs: number,
  takes: Take[],
  { wanted, least }: Output,
): (string | number)[] {
  const limits = takes.flatMap(({ limit, amount, each }) => [
    ...[limit.window, limit.most],
    ...[amount, each],
  ]);
  return [id, leaseMs, wanted, least, ...limits];
}

/** The reply of take.lua. */
export function readTaken([taken, at, output, ...states]: number[], takes: Take[]): Taken {
  const limits = takes.map(({ limit }, i): LimitState => {
    const state = states.slice(4 * i, 4 * i + 4) as [number, number, number, number];
    const [remaining, resetMs, wait, start] = state;
    const waitMs = wait === -1 ? Number.POSITIVE_INFINITY : wait;
    return { limit, remaining, resetMs, waitMs, start };
  });
  return { taken: taken === 1, at: at!, output: output!, limits };
}
