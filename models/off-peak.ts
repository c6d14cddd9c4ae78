// Hours of the week in which a vendor takes less, in UTC: read from text such as "mon-fri 10:00-24:00".

const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const minutesOfDay = 24 * 60;

/** Whether a moment, in milliseconds since 1970, is within them. */
export type Hours = (at: number) => boolean;

const written = /^(?:([a-z]{3})(?:-([a-z]{3}))? )?(\d\d):(\d\d)-(\d\d):(\d\d)$/;

/**
 * Reads one range of hours: a day or a range of days, or none for every day, and from when to when;
 * the end is not within. Past midnight is a range of its own. Undefined for text that is none.
 */
export function hoursOf(text: string): Hours | undefined {
  const [, first, last = first, ...clock] = written.exec(text) ?? [];
  const [hour, minute, endHour, endMinute] = clock.map(Number);
  const from = hour! * 60 + minute!;
  const to = endHour! * 60 + endMinute!;
  const isTime = minute! < 60 && endMinute! < 60 && from < to && to <= minutesOfDay;
  const on = first === undefined ? days.map(() => true) : daysBetween(first, last!);
  if (!isTime || !on) return undefined;
  return (at) => {
    const date = new Date(at);
    const now = date.getUTCHours() * 60 + date.getUTCMinutes();
    return on[date.getUTCDay()] === true && now >= from && now < to;
  };
}

/** Which days of the week a range names, Sunday first; it may run over the week's end. */
function daysBetween(first: string, last: string): boolean[] | undefined {
  const [start, end] = [days.indexOf(first), days.indexOf(last)];
  if (start < 0 || end < 0) return undefined;
  const length = (end - start + days.length) % days.length;
  return days.map((_, day) => (day - start + days.length) % days.length <= length);
}
