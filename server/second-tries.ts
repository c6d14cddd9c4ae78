// Whether the Kong that asks here makes the second tries that a config wants, as an operator sees it in
// /readyz: Kong's own setting says after what a request is sent again, and one that was sent again shows it.

import { showNeighbour } from "../stages/neighbours";
import type { Outcome } from "../stages/outcome";

const needed = ["http_429", "non_idempotent"];

// Nobody tells us that a config is gone: where no request has come for so long under one that wants second
// tries, nobody misses them.
const wantedMs = 300_000;

let nextUpstream: string | undefined;
let isProven = false;
let wantedAt: number | undefined;

/**
 * Kong tells a config that wants second tries.
 * @param words its proxy_next_upstream; undefined where kong.conf says nothing of it
 */
export function tellNextUpstream(words: string | undefined): void {
  if (words !== nextUpstream) isProven = false;
  nextUpstream = words;
  secondTriesWanted();
}

/** A request comes under such a config. */
export function secondTriesWanted(): void {
  if (wantedAt === undefined) showNeighbour("second tries", secondTriesState);
  wantedAt = Date.now();
}

/**
 * Learns from what Kong did. A connection that is refused nginx repeats by default; only what was answered
 * needs both words. A custom template of nginx may have them where kong.conf does not.
 */
export function seeTries({ failed_tries, ticket }: Outcome): void {
  if (ticket.model && failed_tries?.some(({ status }) => status === 429)) isProven = true;
}

function secondTriesState() {
  if (Date.now() - wantedAt! >= wantedMs) {
    return { ok: true, detail: "No request of the last five minutes was to get second tries." };
  }
  const missing = needed.filter((word) => !(nextUpstream ?? "").split(/\s+/).includes(word));
  const detail =
    missing.length === 0 || isProven
      ? "Kong makes the second tries that second_tries asks for."
      : `Kong makes no second tries: its nginx_proxy_proxy_next_upstream lacks ${missing.join(" and ")} (docs/retries.md).`;
  return { ok: missing.length === 0 || isProven, detail };
}
