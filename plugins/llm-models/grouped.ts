// Puts things in order by a number, the least first, where those that are close count as equal.

/**
 * Groups of equals, best first, each in the order of before.
 * @param equals up to which value one counts as equal to the best of its group
 */
export function grouped<One>(
  all: readonly One[],
  measureOf: (one: One) => number,
  equals: (best: number) => number,
): One[][] {
  const groups: One[][] = [];
  let left = all.map((one) => ({ one, value: measureOf(one) }));
  while (left.length > 0) {
    const most = equals(Math.min(...left.map(({ value }) => value)));
    const group = left.filter(({ value }) => value <= most);
    groups.push(group.map(({ one }) => one));
    left = left.filter(({ value }) => value > most);
  }
  return groups;
}
