// Who a rule of the options is for: consumers by name, or by one of their tags. One meaning for access
// rules, tiers and whatever else tells consumers apart.

import { anyGlob } from "../models/glob";
import type { Consumer } from "./exchange";

/** Globs of usernames and custom_ids, and of tags: one that matches is enough. */
export interface Members {
  consumers: readonly string[];
  tags: readonly string[];
}

/** Whether a rule is for a caller. One that names nobody is for everybody, also for who is unknown. */
export function membership({ consumers, tags }: Members): (caller?: Consumer) => boolean {
  if (consumers.length === 0 && tags.length === 0) return () => true;
  const isNamed = anyGlob(consumers);
  const isTagged = anyGlob(tags);
  return (caller) => {
    const names = [caller?.username, caller?.custom_id].filter((name) => name !== undefined);
    return names.some(isNamed) || (caller?.tags ?? []).some(isTagged);
  };
}
