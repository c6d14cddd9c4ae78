// What upstreams said of late is left of their limits, for each model of a provider (or service) and each
// of its keys, as this process knows it. It outlives configs: a push must not forget who is spent.

import { LRUCache } from "lru-cache";
import { type Allowance, allowanceOf } from "./allowance";
import type { FailedTry, Outcome } from "./outcome";
import type { KeyOfMany } from "./ticket";

/** What was heard with one of so many keys. */
export interface Heard {
  key: KeyOfMany;
  allowance: Allowance;
}

// Bounded by the models in use, each with as many keys as its provider; none holds for longer than a day.
const known = new LRUCache<string, (Allowance | undefined)[]>({
  ...{ max: 10_000, ttl: 86_400_000 },
  ttlResolution: 0,
});

const mostKeys = 1000;

/** A model of one provider, or service: two of them may have models of the same name. */
export function targetName(service: string, model: string): string {
  return `${encodeURIComponent(service)}:${encodeURIComponent(model)}`;
}

/** Of each key that serves the target; of one where nobody has told how many there are. */
export function allowancesAt(target: string): readonly (Allowance | undefined)[] {
  return known.get(target) ?? nothing;
}

const nothing = [undefined] as const;

/** What an answer told, where this process did not know it: it is told to each stage that learns. */
export function hear(target: string, outcome: Outcome): Heard | undefined {
  return hearWith(outcome.ticket.key, target, outcome);
}

/** The same of a try that failed, whose answer has passed no stage. */
export function hearFailed(
  target: string,
  { left, key }: FailedTry,
  { first_byte_at }: Outcome,
): Heard | undefined {
  return hearWith(key, target, { source: "service", left, first_byte_at });
}

function hearWith(
  key: KeyOfMany = [0, 1],
  target: string,
  told: Parameters<typeof allowanceOf>[0],
): Heard | undefined {
  const allowance = allowanceOf(told);
  const heard = allowance && { key, allowance };
  return heard && adopt(target, heard) ? heard : undefined;
}

/** Takes over what was heard here or elsewhere; false where something later is known. */
export function adopt(target: string, { key: [place, keys], allowance }: Heard): boolean {
  // It comes over sockets: whatever it says, no memory is filled with it.
  if (!(place >= 0 && place < keys && keys <= mostKeys)) return false;
  const before = known.get(target) ?? [];
  if ((before[place]?.heardAt ?? 0) >= allowance.heardAt) return false;
  const after = Array.from({ length: keys }, (_, at) => (at === place ? allowance : before[at]));
  known.set(target, after);
  return true;
}

/** A request goes out: those that come before its answer count it. */
export function countSent(target: string, place: number): void {
  const { requests } = allowancesAt(target)[place] ?? {};
  if (requests && requests.left > 0) requests.left--;
}
