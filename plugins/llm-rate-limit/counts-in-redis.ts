// The counts of all nodes, in a Redis: one run of take.lua a decision, one of settle.lua for its end.
// The only place that knows the positions of the scripts' arguments and replies.

import { join } from "node:path";
import type { RedisConnection } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import { type Period, utc } from "./calendar";
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
  counting: Counting,
): Counts {
  const { namespace } = counting;
  const keysOf = (limits: [identity: string, limit: Limit][], reservedBy?: string) => {
    const names = limits.map(([identity, limit]) => tallyName(namespace, identity, limit));
    if (reservedBy !== undefined) names.push(reservationName(namespace, reservedBy));
    return names.map((name) => `${prefix}:limit:${name}`);
  };

  return {
    async take(identity, id, takes, output) {
      const isReserved = takes.some((take) => settles(take, output.wanted));
      const whose = takes.map(({ limit, who }) => [who?.key ?? identity, limit] as [string, Limit]);
      const keys = keysOf(whose, isReserved ? id : undefined);
      const args = takeArguments(id, identity, counting, takes, output);
      const reply = await connection.run((client) => take(client, keys, args));
      return readTaken(reply as number[], takes);
    },

    async settle(identity, id, corrections) {
      const whose = corrections.map(
        ({ limit, who }) => [who ?? identity, limit] as [string, Limit],
      );
      const keys = keysOf(whose, id);
      const args = corrections.flatMap(({ limit, start, change }) => [limit.window, start, change]);
      return (await connection.run((client) => settle(client, keys, [id, ...args]))) === 1;
    },
  };
}

/** ARGV of take.lua. @param now by the clock of this node, in milliseconds since the epoch */
export function takeArguments(
  id: string,
  identity: string,
  { leaseMs, calendar = utc }: Counting,
  takes: Take[],
  { wanted, least }: Output,
  now = Date.now(),
): (string | number)[] {
  const limits = takes.flatMap(({ limit: { window, most }, amount, each }) => {
    const period =
      window === "day" || window === "month" ? calendar.periodAt(window, now) : noPeriod;
    return [window, most, amount, each, period.start, period.end];
  });
  return [id, identity, leaseMs, wanted, least, ...limits];
}

const noPeriod: Period = { start: 0, end: 0 };

/** The reply of take.lua. */
export function readTaken([taken, at, output, ...states]: number[], takes: Take[]): Taken {
  const limits = takes.map(({ limit, who }, i): LimitState => {
    const state = states.slice(4 * i, 4 * i + 4) as [number, number, number, number];
    const [remaining, resetMs, wait, start] = state;
    const waitMs = wait === -1 ? Number.POSITIVE_INFINITY : wait;
    return { limit, ...(who && { who }), remaining, resetMs, waitMs, start };
  });
  return { taken: taken === 1, at: at!, output: output!, limits };
}
