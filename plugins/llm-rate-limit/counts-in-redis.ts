// The counts of all nodes, in a Redis: the decisions of one turn in one run of take.lua, what ended in
// one of settle.lua. The only place that knows the positions of the scripts' arguments and replies.

import { join } from "node:path";
import { type RedisConnection, RedisUnavailable } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import { together } from "../../redis/together";
import { type Period, utc } from "./calendar";
import type { Correction, Counting, Counts, LimitState, Spent, Taken } from "./counts";
import type { RunningTally } from "./counts-in-memory";
import { markName, type Output, reservationName, settles, type Take, tallyName } from "./limit";
import { Mark, markMs } from "./restore";
import { usedOf } from "./windows";

const take = loadScript(join(__dirname, "take.lua"));
const settle = loadScript(join(__dirname, "settle.lua"));

/** A request that is decided about. */
export interface Asked {
  identity: string;
  id: string;
  takes: Take[];
  output: Output;
}

/** A request that has ended. */
interface Ended {
  identity: string;
  id: string;
  corrections: Correction[];
}

/**
 * Each call rejects with RedisUnavailable where it is not known whether it was done. A settlement may be
 * made again then.
 */
export function countsInRedis(
  connection: RedisConnection,
  prefix: string,
  counting: Counting,
  running: () => [name: string, tally: RunningTally][] = () => [],
): Counts {
  const { namespace } = counting;
  const keyOf = (name: string) => `${prefix}:limit:${name}`;
  const mark = markOf(connection, keyOf(markName(namespace)));
  const known = () =>
    running().map(([name, tally]) => [keyOf(name), tally] as [string, RunningTally]);

  const askedTogether = together(async (asked: Asked[]): Promise<number[][]> => {
    const run = () => {
      const { names, argument } = toldOfTakes(counting, asked, mark.value);
      const keys = [mark.name, ...names.map(keyOf)];
      return connection.run((client) => take(client, keys, [argument]));
    };
    const told = mark.value;
    let reply = await run();
    if (reply === 0) {
      // Who asked before another of this node found out has nothing to tell: it would count twice.
      if (mark.value === told) await mark.renew(known);
      reply = await run();
    }
    if (mark.value === "") mark.value = String((reply as unknown[]).at(-1));
    // Emptied again between the two: nobody has counted these requests.
    if (reply === 0) throw new RedisUnavailable("Redis loses what it counts", false);
    return reply as number[][];
  });

  const endedTogether = together(async (ended: Ended[]): Promise<number[][]> => {
    const keys = keysOfEnded(namespace, ended).map(keyOf);
    const argument = JSON.stringify(ended.map(toldOf));
    const reply = await connection.run((client) => settle(client, keys, [argument]));
    return reply as number[][];
  });

  return {
    async take(identity, id, takes, output) {
      return readTaken(await askedTogether({ identity, id, takes, output }), takes);
    },

    async settle(identity, id, corrections, see) {
      const [known, ...seen] = await endedTogether({ identity, id, corrections });
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

/**
 * The names of what take.lua is given keys of, behind the mark, and its ARGV[1].
 * @param mark of this Redis' counts
 * @param now by the clock of this node, in milliseconds since the epoch
 */
export function toldOfTakes(
  { namespace, leaseMs: lease, calendar = utc }: Counting,
  asked: Asked[],
  mark: string,
  now = Date.now(),
): { names: string[]; argument: string } {
  const names: string[] = [];
  const requests = asked.map(({ id, identity, takes, output: { wanted, least } }) => {
    const limits = takes.map(({ limit, who, amount, each }) => {
      names.push(tallyName(namespace, who?.key ?? identity, limit));
      const { window, most } = limit;
      const isLong = window === "day" || window === "month";
      const { start, end: finish } = isLong ? calendar.periodAt(window, now) : noPeriod;
      return { window, most, amount, each, start, finish };
    });
    const reserves = takes.some((take) => settles(take, wanted));
    if (reserves) names.push(reservationName(namespace, id));
    return { id, identity, reserves, wanted, least, limits };
  });
  return { names, argument: JSON.stringify({ mark, mark_ms: markMs, lease, requests }) };
}

const noPeriod: Period = { start: 0, end: 0 };

/** What take.lua says of one request. */
export function readTaken([taken, at, output, ...states]: number[], takes: Take[]): Taken {
  const limits = takes.map(({ limit, who }, i): LimitState => {
    const state = states.slice(4 * i, 4 * i + 4) as [number, number, number, number];
    const [remaining, resetMs, wait, start] = state;
    const waitMs = wait === -1 ? Number.POSITIVE_INFINITY : wait;
    return { limit, ...(who && { who }), remaining, resetMs, waitMs, start };
  });
  return { taken: taken === 1, at: at!, output: output!, limits };
}

/** The names of what settle.lua is given keys of. */
function keysOfEnded(namespace: string, ended: Ended[]): string[] {
  return ended.flatMap(({ identity, id, corrections }) => [
    ...corrections.map(({ limit, who }) => tallyName(namespace, who ?? identity, limit)),
    reservationName(namespace, id),
  ]);
}

/** What settle.lua is told of one request. */
function toldOf({ id, corrections }: Ended) {
  return {
    id,
    corrections: corrections.map(({ limit, start, change }) => {
      return { window: limit.window, start, change };
    }),
  };
}

/** What settle.lua says of one request, behind its first position. */
function readSpent(seen: number[], identity: string, corrections: Correction[]): Spent[] {
  return corrections.flatMap(({ limit, who }, i): Spent[] => {
    const [start, count, previous, most] = seen.slice(4 * i) as [number, number, number, number];
    const { window } = limit;
    if (start === -1 || window === "lease") return [];
    const used = usedOf(window, { start, count, previous }, Date.now());
    return [{ limit: { ...limit, most }, who: who ?? identity, start, used }];
  });
}
