// Which name was probably meant: the nearest of those that exist, when it is near enough.

/** `, did you mean "x"?`, or nothing where no name is near. */
export function didYouMean(written: string, names: Iterable<string>): string {
  const meant = nearest(written, names);
  return meant === undefined ? "" : `; did you mean "${meant}"?`;
}

/** The name with the fewest edits, at most a third of its letters; undefined where none is near. */
export function nearest(written: string, names: Iterable<string>): string | undefined {
  let best: { name: string; edits: number } | undefined;
  for (const name of names) {
    const edits = editsBetween(written.toLowerCase(), name.toLowerCase());
    const near = edits <= Math.max(1, Math.floor(name.length / 3));
    if (near && (!best || edits < best.edits)) best = { name, edits };
  }
  return best?.name ?? completed(written, names);
}

/** `ttl` for `ttl_seconds`, where no other name begins so. */
function completed(written: string, names: Iterable<string>): string | undefined {
  const begun = [...names].filter((name) => written.length > 2 && name.startsWith(written));
  return begun.length === 1 ? begun[0] : undefined;
}

/** Optimal string alignment: letters put in, left out, replaced, or two neighbours swapped. */
function editsBetween(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      const swapped = one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row.push(
        Math.min(
          last[j]! + 1,
          row[j - 1]! + 1,
          last[j - 1]! + (same ? 0 : 1),
          swapped && i > 1 && j > 1 ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, last] = [last, row];
  }
  return last[other.length]!;
}
