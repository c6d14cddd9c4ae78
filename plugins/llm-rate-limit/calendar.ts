// Where days and months begin: at midnight of a time zone, a month on the day on which bills are made.

import { DateTime } from "luxon";

/** Milliseconds since the epoch: from `start` to just before `end`. */
export interface Period {
  start: number;
  end: number;
}

export interface Calendar {
  /** The day, or the month, that holds this moment. */
  periodAt(window: "day" | "month", at: number): Period;
}

const dayMs = 86_400_000;

/** The calendar of UTC, whose months begin on the first: plain arithmetic. */
export const utc: Calendar = {
  periodAt(window, at) {
    if (window === "day") return { start: at - (at % dayMs), end: at - (at % dayMs) + dayMs };
    const date = new Date(at);
    const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
    return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
  },
};

/**
 * @param zone an IANA name, as in Asia/Seoul
 * @param monthDay the day on which a month begins; a shorter month begins on its last day
 */
export function calendarOf(zone: string, monthDay: number): Calendar {
  if (zone === "UTC" && monthDay === 1) return utc;
  const starts = { day: startOfDay(zone), month: startOfMonth(zone, monthDay) };
  // Nearly all ask for now: a period is worked out once, and not for each request.
  const last: Partial<Record<"day" | "month", Period>> = {};
  return {
    periodAt(window, at) {
      const known = last[window];
      if (known && at >= known.start && at < known.end) return known;
      const period = starts[window](at);
      last[window] = period;
      return period;
    },
  };
}

type PeriodAt = (at: number) => Period;

function startOfDay(zone: string): PeriodAt {
  return (at) => {
    const day = DateTime.fromMillis(at, { zone });
    return { start: midnightOf(day), end: midnightOf(day.startOf("day").plus({ days: 1 })) };
  };
}

// Where summer ends at one in the night, as in Havana and on the Azores, midnight comes twice: a day begins
// with the first.
function midnightOf(day: DateTime): number {
  const all = day.startOf("day").getPossibleOffsets();
  return Math.min(...all.map((one) => one.toMillis()));
}

function startOfMonth(zone: string, monthDay: number): PeriodAt {
  const beginIn = (month: DateTime) =>
    midnightOf(month.set({ day: Math.min(monthDay, month.daysInMonth ?? monthDay) }));
  return (at) => {
    const first = DateTime.fromMillis(at, { zone }).startOf("month");
    const start = beginIn(first);
    if (start <= at) return { start, end: beginIn(first.plus({ months: 1 })) };
    return { start: beginIn(first.minus({ months: 1 })), end: start };
  };
}
