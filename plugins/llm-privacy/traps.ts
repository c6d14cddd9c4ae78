// Mistakes in the options of llm-privacy: patterns that RE2 does not take, names that stand twice or that
// nothing has, and what is never reached.

import { modelGlob } from "../../models/glob";
import { kinds } from "../../personal-data/kind";
import { error, type Mistake, shadowed, warning, within } from "../../stages/mistake";
import { compile } from "./own-recognisers";
import type { PrivacyOptions } from "./schema";

export function traps(options: PrivacyOptions): Mistake[] {
  return [
    ...patternMistakes(options),
    ...namesTwice(options),
    ...unknownNames(options),
    ...shadowed("recognisers", options.recognisers, "name", "shadowed-recogniser"),
    ...options.rules.flatMap((rule, at) =>
      within(
        "rules",
        within(
          String(at),
          shadowed("recognisers", rule.recognisers, "name", "shadowed-recogniser"),
        ),
      ).map((mistake) => ({ ...mistake, path: ["rules", at, ...mistake.path.slice(2)] })),
    ),
    ...unreachableRules(options),
  ];
}

function patternMistakes({ patterns, prompt_rules }: PrivacyOptions): Mistake[] {
  return [
    ...patterns.flatMap(({ pattern }, at) => notRe2(pattern, ["patterns", at, "pattern"])),
    ...prompt_rules.flatMap(({ deny, require }, at) => [
      ...deny.flatMap((one, n) => notRe2(one, ["prompt_rules", at, "deny", n])),
      ...require.flatMap((one, n) => notRe2(one, ["prompt_rules", at, "require", n])),
    ]),
  ];
}

function notRe2(pattern: string, path: PropertyKey[]): Mistake[] {
  try {
    const compiled = compile(pattern);
    if (!compiled.matcher("").find()) return [];
    return [
      warning(path, "matches-nothing", "matches a text without any letter, so every request"),
    ];
  } catch {
    const message = "is no pattern of RE2: it has no look-around and no back-references";
    return [error(path, "pattern-not-re2", message)];
  }
}

function namesTwice({ patterns, lists, prompt_rules }: PrivacyOptions): Mistake[] {
  const seen = new Set<string>(kinds);
  const twice = (list: string, items: readonly { name: string }[], known: Set<string>) =>
    items.flatMap(({ name }, at) => {
      if (!known.has(name)) {
        known.add(name);
        return [];
      }
      return [
        error([list, at, "name"], "recogniser-twice", `"${name}" is the name of another one`),
      ];
    });
  return [
    ...twice("patterns", patterns, seen),
    ...twice("lists", lists, seen),
    ...twice("prompt_rules", prompt_rules, new Set()),
  ];
}

function unknownNames(options: PrivacyOptions): Mistake[] {
  const own = [...options.patterns, ...options.lists].map(({ name }) => name);
  const known = [...kinds, ...own];
  const check = (items: readonly { name: string }[], path: PropertyKey[]) =>
    items.flatMap(({ name }, at) => {
      const matches = modelGlob(name);
      if (known.some((one) => matches(one))) return [];
      const message = `"${name}" is no recogniser and no name of patterns or lists`;
      return [error([...path, at, "name"], "no-such-recogniser", message)];
    });
  return [
    ...check(options.recognisers, ["recognisers"]),
    ...options.rules.flatMap(({ recognisers }, at) =>
      check(recognisers, ["rules", at, "recognisers"]),
    ),
  ];
}

/** Behind a rule that is for everybody none is reached. */
function unreachableRules({ rules }: PrivacyOptions): Mistake[] {
  const open = rules.findIndex(({ consumers, tags }) => consumers.length + tags.length === 0);
  if (open < 0 || open === rules.length - 1) return [];
  const message = "is never reached: a rule before it is for everybody";
  return [error(["rules", open + 1], "unreachable-rule", message)];
}
