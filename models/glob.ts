// Matches model names against the patterns of the options. Apart because aliases, prices, limits and
// access rules must all mean the same by `*`.

/**
 * A test for names: `*` stands for any text, also none; every other character for itself, in its
 * own case. No regular expression is built and nothing is tried twice, so neither a pattern nor a
 * name can make it slow: each part of the pattern is searched once, from left to right.
 */
export function modelGlob(pattern: string): (name: string) => boolean {
  const parts = pattern.split("*");
  const first = parts[0] ?? "";
  if (parts.length === 1) return (name) => name === pattern;
  const last = parts.at(-1) ?? "";
  const between = parts.slice(1, -1).filter((part) => part !== "");

  return (name) => {
    const end = name.length - last.length;
    if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of between) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= end;
  };
}

/** A test for names that match one of the patterns. */
export function anyGlob(patterns: readonly string[]): (name: string) => boolean {
  const globs = patterns.map(modelGlob);
  return (name) => globs.some((matches) => matches(name));
}
