// Which of several targets a caller gets: by weight over all callers, always the same for one. A
// hash in place of a memory, so that every node and every restart agrees.

import { createHash } from "node:crypto";

export interface WeightedTarget {
  model: string;
  weight: number;
}

/**
 * The target for a key (alias and caller); undefined where none has a weight. A caller keeps its
 * place on a line from 0 to 1 that the targets divide in their order, so a last target whose share
 * grows takes callers over and gives none back.
 */
export function targetFor(targets: readonly WeightedTarget[], key: string): string | undefined {
  const weighted = targets.filter(({ weight }) => weight > 0);
  if (weighted.length <= 1) return weighted[0]?.model;
  const sum = weighted.reduce((total, { weight }) => total + weight, 0);
  const place = placeOf(key) * sum;
  let end = 0;
  return weighted.find(({ weight }) => {
    end += weight;
    return place < end;
  })?.model;
}

/** From 0 up to 1, evenly spread over keys: 48 bits of a SHA-256. */
function placeOf(key: string): number {
  return createHash("sha256").update(key).digest().readUIntBE(0, 6) / 2 ** 48;
}
