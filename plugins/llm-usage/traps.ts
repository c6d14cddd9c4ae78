// Mistakes in the options of llm-usage: prices that never count.

import { type Mistake, shadowed } from "../../stages/mistake";
import type { UsageOptions } from "./schema";

export function traps({ prices }: UsageOptions): Mistake[] {
  return shadowed("prices", prices, "model", "shadowed-price");
}
