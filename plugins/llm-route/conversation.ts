// Which conversation a request belongs to, told by what all its turns have alike: who asks, what the
// application says first and what the user says first. No storage: every node tells the same.

import { createHash } from "node:crypto";
import type { Asked } from "../../models/asked";

// What tells conversations apart stands at their beginning.
const mostLetters = 2000;

export function conversationOf({ system, turns }: Asked, consumer: string): string {
  const [first = []] = turns;
  return [consumer, beginning(system), beginning(first)].join("\0");
}

/**
 * Where a model stands for a conversation among others that cost the same, from 0 up to 1: so they share
 * the conversations, and one that is added or taken away moves no conversation but its own.
 */
export function placeOf(conversation: string, model: string): number {
  const hash = createHash("sha256").update(`${model}\0${conversation}`).digest();
  return hash.readUIntBE(0, 6) / 2 ** 48;
}

function beginning(pieces: readonly string[]): string {
  const text = pieces.length === 1 ? pieces[0]! : pieces.join("\0");
  return text.slice(0, mostLetters);
}
