// Mistakes in the options of llm-cache: answers that are kept nowhere.

import { error, type Mistake, redisMissing } from "../../stages/mistake";
import type { CacheOptions } from "./schema";

export function traps(options: CacheOptions): Mistake[] {
  return [...tooSmall(options), ...redisMissing(options)];
}

function tooSmall({ max_entry_bytes, local_max_bytes }: CacheOptions): Mistake[] {
  if (max_entry_bytes <= local_max_bytes) return [];
  const message = `is more than local_max_bytes, which is ${local_max_bytes}`;
  return [error(["max_entry_bytes"], "cache-too-small", message)];
}
