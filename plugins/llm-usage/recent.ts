// The requests that ended last on this node, and why those of a day failed: for the operators' page. Until
// somebody watches, nothing is kept.

import type { UsageLine } from "./usage-line";

/**
 * Why a request did not end well: `limit` (one of ours had no room), `unpriced` (a budget in dollars and
 * no price), `gateway` (another refusal of ours), `kong` (Kong or another plugin), `upstream` (it answered
 * so), `unreachable` (Kong got no answer), `client_left`, `upstream_cut`, `unheard` (nobody told the end).
 */
export interface Cause {
  kind:
    | "limit"
    | "unpriced"
    | "gateway"
    | "kong"
    | "upstream"
    | "unreachable"
    | "client_left"
    | "upstream_cut"
    | "unheard";
  status: number;
  /** Which limit, as in "tokens per minute"; else empty. */
  detail: string;
}

interface Recent {
  /** The last hundred, the last first. */
  lines: UsageLine[];
  /** Of the last 24 hours, as far as this process has lived. */
  requests: number;
  failed: { cause: Cause; count: number }[];
}

const mostLines = 100;
const hourMs = 3_600_000;
const hours = 24;

interface Hour {
  requests: number;
  /** By cause as JSON: bounded by statuses and configured limits. */
  failed: Map<string, number>;
}

interface Kept {
  lines: UsageLine[];
  /** By the start of the hour. */
  byHour: Map<number, Hour>;
}

let kept: Kept | undefined;

/** Keeps what ends from now on. */
export function watchRequests(): void {
  kept ??= { lines: [], byHour: new Map() };
}

/** Forgets all, between tests. */
export function stopWatching(): void {
  kept = undefined;
}

export function isWatched(): boolean {
  return kept !== undefined;
}

export function remember(line: UsageLine, now = Date.now()): void {
  if (!kept) return;
  kept.lines.push(line);
  if (kept.lines.length > mostLines) kept.lines.shift();
  const hour = hourAt(kept.byHour, now);
  hour.requests++;
  const cause = causeOf(line);
  if (!cause) return;
  const text = JSON.stringify([cause.kind, cause.status, cause.detail]);
  hour.failed.set(text, (hour.failed.get(text) ?? 0) + 1);
}

function hourAt(byHour: Kept["byHour"], now: number): Hour {
  const start = now - (now % hourMs);
  const known = byHour.get(start);
  if (known) return known;
  for (const before of byHour.keys()) if (before <= start - hours * hourMs) byHour.delete(before);
  const fresh = { requests: 0, failed: new Map<string, number>() };
  byHour.set(start, fresh);
  return fresh;
}

/** Undefined for a request that ended well. */
export function causeOf(line: UsageLine): Cause | undefined {
  const { status, source, limit, limited_by, cut_by } = line;
  const cause = (kind: Cause["kind"], detail = ""): Cause => ({ kind, status, detail });
  if (cut_by === "client") return cause("client_left");
  if (cut_by === "upstream") return cause("upstream_cut");
  if (cut_by === "unknown") return cause("unheard");
  if (status < 400) return undefined;
  if (source === "service") return cause("upstream");
  if (source === "error") return cause("unreachable");
  if (source === "exit") return cause("kong");
  // The text about a price names what the client asked for, whatever that is.
  if (limit === "unpriced") return cause("unpriced");
  return limit === "refused" ? cause("limit", limited_by ?? "") : cause("gateway");
}

/** Those that failed most often first. */
export function recentRequests(now = Date.now()): Recent {
  const { lines = [], byHour = new Map<number, Hour>() } = kept ?? {};
  const failed = new Map<string, number>();
  let requests = 0;
  for (const [start, hour] of byHour) {
    if (start <= now - hours * hourMs) continue;
    requests += hour.requests;
    for (const [text, count] of hour.failed) failed.set(text, (failed.get(text) ?? 0) + count);
  }
  const causes = [...failed].sort(([, one], [, other]) => other - one);
  return {
    lines: [...lines].reverse(),
    requests,
    failed: causes.map(([text, count]) => ({ cause: causeIn(text), count })),
  };
}

function causeIn(text: string): Cause {
  const [kind, status, detail] = JSON.parse(text) as [Cause["kind"], number, string];
  return { kind, status, detail };
}
