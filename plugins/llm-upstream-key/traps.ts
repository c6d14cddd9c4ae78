// Mistakes in the options of llm-upstream-key: a key where everybody can read it.

import { error, type Mistake } from "../../stages/mistake";
import type { UpstreamKeyOptions } from "./schema";

export function traps({ keys }: UpstreamKeyOptions): Mistake[] {
  const message =
    "is a key in clear text: write {vault://env/holysheep-api-key}, or put it into a file";
  return keys.flatMap(({ value }, index) =>
    value === "" || isReference(value)
      ? []
      : [error(["keys", index, "value"], "literal-key", message)],
  );
}

/** Well formed or not: a reference that Kong will not know is no key that leaks. */
function isReference(text: string): boolean {
  return /^\{?\s*vault:/.test(text);
}
