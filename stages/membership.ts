// Who a rule of the options is for: consumers by name, or by one of their tags. One meaning for access
// rules, tiers and whatever else tells consumers apart.

import { anyGlob } from "../models/glob";
import type { Consumer } from "./exchange";

type IsFor = (caller?: Consumer) => boolean;

/**
 * Whether a rule is for a caller: one matching glob is enough, of usernames and custom_ids, or of tags.
 * A rule that names nobody is for everybody, also for who is unknown.
 */
export function membership({ consumers, tags }: Record<"consumers" | "tags", string[]>): IsFor {
  if (consumers.length === 0 && tags.length === 0) return () => true;
  const isNamed = anyGlob(consumers);
  const isTagged = anyGlob(tags);
  return (caller) => {
    const names = [caller?.username, caller?.custom_id].filter((name) => name !== undefined);
    return names.some(isNamed) || (caller?.tags ?? []).some(isTagged);
  };
}
