// What is left of an upstream's own limits, as it told with its latest answer, and who is asked first for
// it: of targets as of keys. Pure questions; allowances.ts remembers.

import { durationSeconds, type Outcome } from "./outcome";

/** So much of one measure was left, and all of it is there again at `resetAt` (milliseconds since the epoch). */
export interface Left {
  left: number;
  resetAt: number;
}

export interface Allowance {
  requests?: Left;
  tokens?: Left;
  /** When the upstream said so, in milliseconds since the epoch. */
  heardAt: number;
}

// An upstream that names no reset limits by the minute, and none by more than the day.
const [unnamedResetMs, longestResetMs] = [60_000, 86_400_000] as const;

/** Undefined where the upstream said nothing that can be read. */
export function allowanceOf({
  source,
  left,
  first_byte_at: heardAt,
}: Pick<Outcome, "source" | "left" | "first_byte_at">): Allowance | undefined {
  if (source !== "service" || !left) return undefined;
  const requests = leftOf(left.requests, left.requests_reset, heardAt);
  const tokens = leftOf(left.tokens, left.tokens_reset, heardAt);
  if (!requests && !tokens) return undefined;
  return { ...(requests && { requests }), ...(tokens && { tokens }), heardAt };
}

/** What may be sent: so many requests; 0 where one of its limits is spent; undefined where it is not known. */
export function roomIn(allowance: Allowance | undefined, now: number): number | undefined {
  const rooms: number[] = [];
  const { requests, tokens } = allowance ?? {};
  if (requests && now < requests.resetAt) rooms.push(requests.left);
  if (tokens && now < tokens.resetAt) rooms.push(tokens.left / tokensOfRequest);
  return rooms.length > 0 ? Math.min(...rooms) : undefined;
}

// Only compares what tells its requests with what tells its tokens.
const tokensOfRequest = 1000;

/**
 * Who is asked first: those with most room, in ranks of equals, between whom weights decide. Where one that
 * is not spent has not told, what the others told cannot be compared: then they are one rank. Spent ones
 * are apart, the first to have room again before the others.
 *
 * @param allowancesOf what is known of one: of each of its keys, where it has several
 */
export function byRoom<Candidate>(
  candidates: readonly Candidate[],
  allowancesOf: (candidate: Candidate) => readonly (Allowance | undefined)[],
  now: number,
): { open: Candidate[][]; spent: Candidate[] } {
  const told = candidates.map((candidate) => {
    const allowances = allowancesOf(candidate);
    const rooms = allowances.map((one) => roomIn(one, now));
    const isKnown = rooms.every((room) => room !== undefined);
    const room = isKnown ? rooms.reduce((sum, one) => sum + one, 0) : undefined;
    return { candidate, room, resetAt: room === 0 ? firstReset(allowances) : 0 };
  });
  const open = told.filter(({ room }) => room !== 0);
  const spent = told.filter(({ room }) => room === 0).sort((a, b) => a.resetAt - b.resetAt);
  const areTold = open.every(({ room }) => room !== undefined);
  const rooms = areTold ? [...new Set(open.map(({ room }) => room!))].sort((a, b) => b - a) : [];
  const of = (all: typeof told) => all.map(({ candidate }) => candidate);
  const ranks = rooms.map((most) => of(open.filter(({ room }) => room === most)));
  return { open: areTold ? ranks : [of(open)], spent: of(spent) };
}

/** When the first of several that are spent has room again: each at the latest reset of what is at zero. */
function firstReset(allowances: readonly (Allowance | undefined)[]): number {
  const resets = allowances.map(({ requests, tokens } = { heardAt: 0 }) => {
    const spent = [requests, tokens].filter((one) => one?.left === 0);
    return Math.max(0, ...spent.map((one) => one!.resetAt));
  });
  return Math.min(...resets);
}

function leftOf(left: string, reset: string, heardAt: number): Left | undefined {
  if (!/^-?\d{1,15}(?:\.\d{1,9})?$/.test(left.trim())) return undefined;
  const resetAt = Math.min(resetAtOf(reset.trim(), heardAt), heardAt + longestResetMs);
  return { left: Math.max(0, Math.floor(Number(left))), resetAt };
}

/**
 * OpenAI sends a duration (`6m0s`), Anthropic an RFC 3339 time, others seconds or a time in seconds or
 * milliseconds since the epoch.
 */
function resetAtOf(reset: string, heardAt: number): number {
  if (/^\d{1,15}(?:\.\d{1,9})?$/.test(reset)) {
    const number = Number(reset);
    if (number < 1e9) return heardAt + number * 1000;
    return number < 1e12 ? number * 1000 : number;
  }
  const seconds = durationSeconds(reset);
  if (seconds !== undefined) return heardAt + seconds * 1000;
  const time = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(reset)
    ? Date.parse(reset)
    : Number.NaN;
  return Number.isNaN(time) ? heardAt + unnamedResetMs : time;
}
