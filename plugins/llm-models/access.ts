// Which models a caller may use. A pair of names is asked about, the one in the request and the one
// of the upstream behind it: so an alias is no way around a denied model, and an operator may still
// open an alias without opening its model under every other name.

import { anyGlob } from "../../models/glob";
import type { Consumer } from "../../stages/exchange";
import { membership } from "../../stages/membership";
import type { ModelsOptions } from "./schema";

/** May the caller get `target` when it asks for `requested`? */
export type MayUse = (requested: string, target: string) => boolean;

/**
 * The rule for a caller: the first that is for it. Without rules all is open.
 * @param spellings all names that a target has
 */
export function accessOf(
  rules: ModelsOptions["access"],
  spellings: (target: string) => string[] = (target) => [target],
): (caller?: Consumer) => MayUse {
  if (rules.length === 0) return () => everything;
  const compiled = rules.map((rule) => ({
    isFor: membership(rule),
    mayUse: permission(rule, spellings),
  }));
  return (caller) => compiled.find(({ isFor }) => isFor(caller))?.mayUse ?? nothing;
}

type Rule = ModelsOptions["access"][number];

const everything: MayUse = () => true;
const nothing: MayUse = () => false;

// Some upstreams ignore case: what is denied is denied however it is spelt, what is allowed as it is.
function permission({ allow, deny }: Rule, spellings: (target: string) => string[]): MayUse {
  const isAllowed = anyGlob(allow);
  const matches = anyGlob(deny.map((glob) => glob.toLowerCase()));
  const isDenied = (name: string) => matches(name.toLowerCase());
  return (requested, target) => {
    const names = [requested, ...spellings(target)];
    return !names.some(isDenied) && names.some(isAllowed);
  };
}
