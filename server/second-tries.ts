// Whether the Kong that asks here makes the second tries that a config wants, as an operator sees it in
// /readyz: Kong's own setting says after what a request is sent again.

import { showNeighbour } from "../stages/neighbours";

const needed = ["http_429", "non_idempotent"];

/** @param words Kong's proxy_next_upstream; undefined where kong.conf says nothing of it */
export function showSecondTries(words: string | undefined): void {
  const missing = needed.filter((word) => !(words ?? "").split(/\s+/).includes(word));
  const detail =
    missing.length === 0
      ? "Kong makes the second tries that second_tries asks for."
      : `Kong makes no second tries: its nginx_proxy_proxy_next_upstream lacks ${missing.join(" and ")} (docs/retries.md).`;
  showNeighbour("second tries", () => ({ ok: missing.length === 0, detail }));
}
