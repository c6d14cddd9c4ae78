// Which day it is in the ledger's time zone.

import { DateTime } from "luxon";

export type DayOf = (at: number) => string;

/**
 * Tells the day of a moment (milliseconds since the epoch) as YYYY-MM-DD.
 * @param zone an IANA name, as in Asia/Seoul
 */
export function dayIn(zone: string): DayOf {
  // Nearly all ask for now: a day is worked out once, and not for each request.
  let known = { day: "", start: 0, end: 0 };
  return (at) => {
    if (at >= known.start && at < known.end) return known.day;
    const start = DateTime.fromMillis(at, { zone }).startOf("day");
    const end = start.plus({ days: 1 }).startOf("day").toMillis();
    known = { day: start.toFormat("yyyy-MM-dd"), start: start.toMillis(), end };
    return known.day;
  };
}

/** The first and the last day of a month that is written as YYYY-MM. */
export function daysOfMonth(month: string): { from: string; to: string } {
  const first = DateTime.fromISO(`${month}-01`, { zone: "UTC" });
  return { from: `${month}-01`, to: first.endOf("month").toFormat("yyyy-MM-dd") };
}

/** The months of a span of days, in order. */
export function monthsIn(from: string, to: string): string[] {
  const months: string[] = [];
  const last = to.slice(0, 7);
  let month = DateTime.fromISO(`${from.slice(0, 7)}-01`, { zone: "UTC" });
  for (; month.toFormat("yyyy-MM") <= last; month = month.plus({ months: 1 })) {
    months.push(month.toFormat("yyyy-MM"));
  }
  return months;
}

/** Whether it is a day of the calendar, as YYYY-MM-DD. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && DateTime.fromISO(text, { zone: "UTC" }).isValid;
}
