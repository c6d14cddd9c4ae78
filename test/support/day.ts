// Days as the ledger and budgets have them begin anew at midnight UTC, also in the middle of a test.

import { setTimeout as pause } from "node:timers/promises";

const dayMs = 86_400_000;

/** Waits for the next day where fewer than so many seconds of this one are left. */
export async function longBeforeMidnight(seconds: number): Promise<void> {
  const left = dayMs - (Date.now() % dayMs);
  if (left < seconds * 1000) await pause(left + 50);
}
