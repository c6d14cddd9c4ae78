// The ids of events and instances.

import { randomInt } from "node:crypto";

/**
 * Ids of one process must mean nothing to the next: a step that was on its way while the server
 * restarted would otherwise reach another request's event, and a worker's old instance another
 * config. So each process starts somewhere in 31 bits (V8 keeps those outside its heap), and counts
 * around.
 */
export function firstIdOfProcess(): number {
  return randomInt(2 ** 31);
}

export function idAfter(id: number): number {
  return (id + 1) & 0x7fff_ffff;
}
