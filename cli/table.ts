/**
 * Columns as wide as their widest cell; those behind the first `names` hold numbers and stand to the
 * right. The first row is the head.
 */
export function alignedTable(rows: string[][], names: number): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => wide(row[column]!))));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = " ".repeat(widths[column]! - wide(cell));
        return column < names ? cell + padding : padding + cell;
      })
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** How many places a text takes in a terminal: letters of Korean, Chinese and Japanese take two. */
function wide(text: string): number {
  let places = 0;
  for (const letter of text) places += /[ᄀ-ᅟ⺀-꓏가-힣豈-﫿︰-﹏＀-｠￠-￦]/u.test(letter) ? 2 : 1;
  return places;
}
