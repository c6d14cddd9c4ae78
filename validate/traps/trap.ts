// A trap is one mistake that configurations make: a question to a configuration, whose answer is
// where it was made.

import type { Configuration, Way } from "../configuration";
import { error, type Finding } from "../finding";
import type { Located } from "../located";

/** @param ours the names of our plugins */
export type Trap = (configuration: Configuration, ours: readonly string[]) => Finding[];

/**
 * The same fault on several ways is one finding that names the routes.
 * @param faulty where it is to be told, and what is said before ` (route a, b): ` and after it
 */
export function perRoute(
  ways: Way[],
  rule: string,
  faulty: (way: Way) => { at: Located; what: string; todo: string } | undefined,
): Finding[] {
  const found = new Map<string, { at: Located; what: string; todo: string; routes: string[] }>();
  for (const way of ways) {
    const fault = faulty(way);
    if (!fault) continue;
    const key = `${fault.at.file}:${fault.at.line}:${fault.what}`;
    const known = found.get(key);
    if (known) known.routes.push(way.name);
    else found.set(key, { ...fault, routes: [way.name] });
  }
  return [...found.values()].map(({ at, what, todo, routes }) =>
    error(at, rule, `${what} (route ${[...new Set(routes)].join(", ")}): ${todo}`),
  );
}
