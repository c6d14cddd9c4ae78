// Mistakes in the options of llm-upstream-key: a key where everybody can read it, a header that is not used.

import { error, type Mistake } from "../../stages/mistake";
import type { AccountOptions, UpstreamKeyOptions } from "./schema";

export function traps({ providers, ...options }: UpstreamKeyOptions): Mistake[] {
  const ofProviders = providers.flatMap((provider, index) =>
    accountTraps(provider).map((one) => ({ ...one, path: ["providers", index, ...one.path] })),
  );
  return [...accountTraps(options), ...ofProviders];
}

function accountTraps(options: AccountOptions): Mistake[] {
  return [...literalKeys(options), ...unusedHeader(options)];
}

function literalKeys({ keys }: AccountOptions): Mistake[] {
  const message =
    "is a key in clear text: write {vault://env/holysheep-api-key}, or put it into a file";
  return keys.flatMap(({ value }, index) =>
    value === "" || isReference(value)
      ? []
      : [error(["keys", index, "value"], "literal-key", message)],
  );
}

function unusedHeader({ auth, header }: AccountOptions): Mistake[] {
  if (auth === "header" || header.toLowerCase() === "authorization") return [];
  const why = auth === "family" ? ", which sends the key as each API has it" : "";
  const message = `is not used with auth: ${auth}${why}`;
  return [error(["header"], "unused-header", message)];
}

/** Well formed or not: a reference that Kong will not know is no key that leaks. */
function isReference(text: string): boolean {
  return /^\{?\s*vault:/.test(text);
}
