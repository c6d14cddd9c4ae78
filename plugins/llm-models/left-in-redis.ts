// What an upstream said is left, as tell.lua and look.lua have it: texts of numbers, times by the clock
// of Redis.

import type { Left } from "../../stages/allowance";
import type { Heard } from "../../stages/allowances";

/** ARGV of tell.lua. */
export function tellArguments({ key, allowance }: Heard, now: number): number[] {
  const { requests, tokens, heardAt } = allowance;
  const of = (one: Left | undefined) =>
    one ? [one.left, Math.max(0, Math.round(one.resetAt - now))] : [-1, 0];
  return [...key, Math.max(0, Math.round(now - heardAt)), ...of(requests), ...of(tokens)];
}

/**
 * What look.lua tells of the keys of a target, of which those that cannot be read are left out.
 * @param fields "PLACE KEYS HEARD_AT REQUESTS RESET_AT TOKENS RESET_AT" each
 * @param ahead what this node's clock is ahead of that of Redis, in milliseconds
 */
export function heardIn(fields: readonly string[], ahead: number): Heard[] {
  return fields.flatMap((field): Heard[] => {
    const numbers = field.split(" ").map(Number);
    if (numbers.length !== 7 || !numbers.every(Number.isFinite)) return [];
    const [place, keys, heardAt, ...told] = numbers as [number, number, number, ...number[]];
    const [requests, tokens] = [leftIn(told[0]!, told[1]!), leftIn(told[2]!, told[3]!)];
    const allowance = { heardAt: heardAt + ahead };
    const left = { ...allowance, ...(requests && { requests }), ...(tokens && { tokens }) };
    return [{ key: [place, keys], allowance: left }];
  });

  function leftIn(left: number, resetAt: number): Left | undefined {
    return left < 0 ? undefined : { left, resetAt: resetAt + ahead };
  }
}
