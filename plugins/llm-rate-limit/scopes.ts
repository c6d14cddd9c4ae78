// Where in the options limits stand: the base, the tiers, the levels and the rules for models.

import type { Measure } from "./limit";
import type { RateLimitOptions } from "./schema";

export type Scope = Partial<Pick<RateLimitOptions, Measure>>;

/** Whatever carries limits, and where it stands. */
export function scopesOf(options: RateLimitOptions): { scope: Scope; path: PropertyKey[] }[] {
  return [
    { scope: options, path: [] },
    ...options.tiers.map((scope, index) => ({ scope, path: ["tiers", index] })),
    ...options.levels.map((scope, index) => ({ scope, path: ["levels", index] })),
    ...options.models.map((scope, index) => ({ scope, path: ["models", index] })),
  ];
}
