// The counts of all nodes, in a Redis: one run of take.lua a decision, one of settle.lua for its end.
// The only place that knows the positions of the scripts' arguments and replies.

import { join } from "node:path";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import { type Period, utc } from "./calendar";
import type { Correction, Counting, Counts, LimitState, Spent, Taken } from "./counts";
import type { RunningTally } from "./counts-in-memory";
import {
  type Limit,
  markName,
  type Output,
  reservationName,
  settles,
  type Take,
  tallyName,
} from "./limit";

import { Mark, markMs } from "./restore";
import { usedOf } from "./windows";

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
  running: () => [name: string, tally: RunningTally][] = () => [],
): Counts {
  const { namespace } = counting;
  const mark = markOf(connection, `${prefix}:limit:${markName(namespace)}`);
  const known = () =>
    running().map(([name, tally]) => [`${prefix}:limit:${name}`, tally] as [string, RunningTally]);
  const keysOf = (limits: [identity: string, limit: Limit][], reservedBy?: string) => {
    const names = limits.map(([identity, limit]) => tallyName(namespace, identity, limit));
    if (reservedBy !== undefined) names.push(reservationName(namespace, reservedBy));
    return names.map((name) => `${prefix}:limit:${name}`);
  };

  return {
    async take(identity, id, takes, output) {
      const isReserved = takes.some((take) => settles(take, output.wanted));
      const whose = takes.map(({ limit, who }) => [who?.key ?? identity, limit] as [string, Limit]);
      const keys = [mark.name, ...keysOf(whose, isReserved ? id : undefined)];
      const run = () => {
        const args = takeArguments(id, identity, counting, takes, output, mark.value);
        return connection.run((client) => take(client, keys, args));
      };
      let reply = await run();
      if (reply === 0) {
        await mark.renew(known);
        reply = await run();
      }
      if (mark.value === "") mark.value = String((reply as unknown[]).at(-1));
      // Emptied again between the two: nobody has counted this request.
      if (reply === 0) throw new RedisUnavailable("Redis loses what it counts", false);
      return readTaken(reply as number[], takes);
    },

    async settle(identity, id, corrections, see) {
      const whose = corrections.map(
        ({ limit, who }) => [who ?? identity, limit] as [string, Limit],
      );
      const keys = keysOf(whose, id);
      const args = corrections.flatMap(({ limit, start, change }) => [limit.window, start, change]);
      const reply = await connection.run((client) => settle(client, keys, [id, ...args]));
      const [known, ...seen] = reply as number[];
      see?.(readSpent(seen, identity, corrections));
      return known === 1;
    },
  };
}

const marks = new WeakMap<RedisConnection, Map<string, Mark>>();

/** One for all configs that count together. */
function markOf(connection: RedisConnection, name: string): Mark {
  const known = marks.get(connection) ?? new Map<string, Mark>();
  marks.set(connection, known);
  const mark = known.get(name) ?? new Mark(connection, name);
  known.set(name, mark);
  return mark;
}

/** ARGV of take.lua. @param mark of this Redis' counts @param now by the clock of this node, in milliseconds since the epoch */
export function takeArguments(
  id: string,
  identity: string,
  { leaseMs, calendar = utc }: Counting,
  takes: Take[],
  { wanted, least }: Output,
  mark: string,
  now = Date.now(),
): (string | number)[] {
  const limits = takes.flatMap(({ limit: { window, most }, amount, each }) => {
    const period =
      window === "day" || window === "month" ? calendar.periodAt(window, now) : noPeriod;
    return [window, most, amount, each, period.start, period.end];
  });
  return [id, identity, leaseMs, wanted, least, mark, markMs, ...limits];
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

/** The reply of settle.lua, behind its first position. */
function readSpent(seen: number[], identity: string, corrections: Correction[]): Spent[] {
  return corrections.flatMap(({ limit, who }, i): Spent[] => {
    const [start, count, previous, most] = seen.slice(4 * i) as [number, number, number, number];
    const { window } = limit;
    if (start === -1 || window === "lease") return [];
    const used = usedOf(window, { start, count, previous }, Date.now());
    return [{ limit: { ...limit, most }, who: who ?? identity, start, used }];
  });
}
