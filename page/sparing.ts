// Reads something once for all who want it within seconds, and seldom what takes long: reading must never be
// more than a twentieth of what this process does, however many look at it.

const freshMs = 5000;
const timesAsLong = 20;
const longestMs = 300_000;

/** What failed is read again at once. */
export function sparing<T>(read: () => Promise<T>, now: () => number = () => Date.now()) {
  let reading: Promise<T> | undefined;
  let freshUntil = 0;
  return (): Promise<T> => {
    if (reading && now() < freshUntil) return reading;
    const began = now();
    freshUntil = Number.POSITIVE_INFINITY;
    reading = read().then(
      (value) => {
        const tookMs = now() - began;
        freshUntil = now() + Math.min(longestMs, Math.max(freshMs, timesAsLong * tookMs));
        return value;
      },
      (error: unknown) => {
        reading = undefined;
        throw error;
      },
    );
    return reading;
  };
}
