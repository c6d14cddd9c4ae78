// The clocks of Redis and of this node may differ, so times are carried over as distances, which mean the
// same by every clock. All of them in milliseconds since the epoch.

/** How long ago each was, in whole milliseconds. */
export function ages(now: number, ...times: number[]): number[] {
  return times.map((time) => Math.max(0, Math.round(now - time)));
}

/** A time of Redis by the clock of this node, which is so far ahead; 0 where there is none. */
export function timeHere(time: string | null, ahead: number): number {
  return time === null ? 0 : Number(time) + ahead;
}
