// Which shares of a limit are reached, by what decisions and settlements have seen of it: plain arithmetic,
// for each request. What is settled later is looked at when it is: what is reserved may come back.

import type { Calendar, Period } from "./calendar";
import type { LimitState, Spent } from "./counts";
import type { Identity } from "./identity";
import { type Limit, measures } from "./limit";
import type { Reached } from "./notice";
import type { RateLimitOptions } from "./schema";

type Watched = Pick<RateLimitOptions["notices"][number], "shares" | "measures" | "windows">;

/** A limit seldom fills to the unit: from here on it counts as full where a request has no room. */
const nearlyFull = 0.9;

const hourMs = 3_600_000;

/** What of one receiver's shares is reached; empty nearly always. */
export interface Watch {
  /** @param isRefused what was to be taken had no room */
  decided(identity: Identity, states: LimitState[], isRefused: boolean): Reached[];
  settled(spent: Spent[]): Reached[];
}

export function watchFor(watched: Watched, calendar: Calendar): Watch {
  const shares = [...new Set(watched.shares)].sort((one, other) => other - one);
  const least = shares.at(-1)!;
  const isWatched = watchedIn(watched);

  const reached = (limit: Limit, who: string, start: number, used: number, isFull: boolean) => {
    // A quotient that should be a share is that very number; a product is off by a bit: 0.07 * 100 is above 7.
    const ratio = used / limit.most;
    if (ratio < least) return [];
    const share = isFull && shares[0] === 1 ? 1 : shares.find((one) => ratio >= one)!;
    const window = periodOf(limit, start, calendar);
    return [{ limit, who, share, used, isFull, window }];
  };

  return {
    decided: (identity, states, isRefused) =>
      states.flatMap(({ limit, who = identity, remaining, waitMs, start }): Reached[] => {
        if (!isWatched(limit)) return [];
        const used = limit.most - remaining;
        const isFull = isRefused && waitMs > 0 && used >= nearlyFull * limit.most;
        const isSettled = limit.measure !== "requests" && !isFull;
        return isSettled ? [] : reached(limit, who.key, start, used, isFull);
      }),
    settled: (spent) =>
      spent.flatMap(({ limit, who, start, used }): Reached[] =>
        limit.most > 0 && isWatched(limit) ? reached(limit, who, start, used, false) : [],
      ),
  };
}

/** Looked up for each limit of each request. */
function watchedIn(watched: Watched): (limit: Limit) => boolean {
  const names = new Set(measures.filter((one) => (watched.measures as string[]).includes(one)));
  const windows = new Set<string>(watched.windows);
  return ({ measure, window }) => windows.has(window) && names.has(measure);
}

function periodOf({ window }: Limit, start: number, calendar: Calendar): Period {
  if (window === "day" || window === "month") {
    // One that has begun by another calendar goes on about as long.
    const period = calendar.periodAt(window, start);
    return { start, end: start + period.end - period.start };
  }
  return { start, end: start + hourMs };
}
