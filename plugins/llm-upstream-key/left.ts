// What the upstream says is left for each of several keys, as the choice of a key asks for it.

import type { Allowance } from "../../stages/allowance";
import { allowancesAt } from "../../stages/allowances";
import type { KeyOfMany } from "../../stages/ticket";
import type { ChosenKey, KeyRing } from "./keys";

/** @param target as targetName has it */
export function leftAt(target: string): (index: number) => Allowance | undefined {
  const known = allowancesAt(target);
  return (index) => known[index];
}

/** Which of the keys of a ring was chosen, and whether another one is awake; nothing where it has no other. */
export function keyOfMany(
  key: ChosenKey | undefined,
  ring: KeyRing,
): { key?: KeyOfMany; other_key?: true } {
  if (!key || ring.size < 2) return {};
  const isOtherAwake = ring.states().some((isAwake, at) => isAwake && at !== key.index);
  return { key: [key.index, ring.size], ...(isOtherAwake && { other_key: true as const }) };
}
