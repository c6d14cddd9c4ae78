// The tier that a client wishes for by a header, or by a member of the body for who cannot set headers:
// what it said, and whether it may.

import type { RequestBody } from "../../openai/request-body";
import type { Consumer } from "../../stages/exchange";
import type { Choosable } from "./choosable";

/** It is for us and goes no further. */
export const wishMember = "llm_tier";
const wishHeader = "x-llm-tier";

/** `unknown`: what was said is no tier, and who said it may wish. */
export type Wish = { tier: string } | { unknown: string };

/**
 * @param headers by their names in lower case
 * @returns undefined where nothing was wished for, or by somebody who may not
 */
export function wishOf(
  { options, mayWish }: Pick<Choosable, "options" | "mayWish">,
  consumer: Consumer | undefined,
  headers: Readonly<Record<string, string>>,
  body: RequestBody,
): Wish | undefined {
  const said = headers[wishHeader] || body.get(wishMember);
  if (typeof said !== "string" || said === "") return undefined;
  const may = mayWish(consumer);
  if (!may) return undefined;
  if (!options.tiers.some(({ name }) => name === said)) return { unknown: said };
  return may(said) ? { tier: said } : undefined;
}
