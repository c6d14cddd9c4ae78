// What is found in a text, as the tests of the recognisers read it.

import { findIn } from "./find";

/** Each as "kind: value". */
export function foundIn(text: string, context = ""): string[] {
  return findIn(text, undefined, context).map(
    ({ kind, start, end }) => `${kind}: ${text.slice(start, end)}`,
  );
}
