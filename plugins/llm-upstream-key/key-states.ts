// What an operator sees of the keys: which of them may be chosen, by service, and services that have none.

import { LRUCache } from "lru-cache";
import { Gauge } from "prom-client";
import { showNeighbour } from "../../stages/neighbours";
import type { KeyRing } from "./keys";
import type { KeysOf } from "./open-rests";

// Nobody tells us that a config is gone: one whose last request is five minutes old is shown no
// more, so that a key that was missing in it does not look missing for ever.
const keyedOfLate = new LRUCache<KeysOf, true>({ max: 1000, ttl: 300_000, ttlResolution: 0 });

/** The services whose keys one config has, each shown while it is asked. */
export class KeyedServices {
  private readonly known = new Map<string, { keys: KeysOf; shownAt: number }>();

  /** A request goes out with one of these keys, or would have. */
  show(service: string, ring: KeyRing): KeysOf {
    const one = this.known.get(service) ?? { keys: { service, ring }, shownAt: 0 };
    this.known.set(service, one);
    // Once a second is often enough for five minutes.
    const now = Date.now();
    if (now - one.shownAt >= 1000) {
      one.shownAt = now;
      keyedOfLate.set(one.keys, true);
      showKeyless();
    }
    return one.keys;
  }
}

let isShown = false;

/** A service whose keys are all missing or resting sends nothing on, or only what will be refused. */
function showKeyless(): void {
  if (isShown) return;
  isShown = true;
  showNeighbour("upstream keys", () => {
    const without = [...lowestStates()].filter(([, states]) => !states.some(Boolean));
    const names = without.map(([service]) => service).join(", ");
    return without.length === 0
      ? { ok: true, detail: "Every service has a key that may be used." }
      : {
          ok: false,
          detail: `No key of ${names} may be used: it is missing, or the upstream refused it.`,
        };
  });
}

new Gauge({
  name: "llm_upstream_key_up",
  help: "1 while the key at this place in the config of this service may be chosen, 0 while it rests or is missing (none: no key is configured); the lowest where several configs have a key there",
  labelNames: ["service", "key"] as const,
  collect() {
    this.reset();
    for (const [service, states] of lowestStates()) {
      for (const [key, isUp] of states.entries()) this.set({ service, key }, isUp ? 1 : 0);
      // Where none is configured the alerts must see that, too.
      if (states.length === 0) this.set({ service, key: "none" }, 0);
    }
  },
});

/** By service and place: whether the key may be chosen in every config that has one there. */
function lowestStates(): Map<string, boolean[]> {
  const byService = new Map<string, boolean[]>();
  for (const { service, ring } of keyedOfLate.keys()) {
    const lowest = byService.get(service) ?? [];
    for (const [key, isUp] of ring.states().entries()) lowest[key] = isUp && (lowest[key] ?? true);
    byService.set(service, lowest);
  }
  return byService;
}
