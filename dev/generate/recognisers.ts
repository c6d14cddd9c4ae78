// The table of how the recognisers do, between markers of a page: measured by the corpus of test/.

import { findIn } from "../../personal-data/find";
import { corpus, measure } from "../../test/personal-data/corpus";

const start = "<!-- recognisers:start -->";
const end = "<!-- recognisers:end -->";

/** @param head the names of the columns, in the page's language */
export function withRecognisers(page: string, head: readonly string[]): string {
  const from = page.indexOf(start) + start.length;
  const to = page.indexOf(end);
  if (from < start.length || to < from)
    throw new Error("the page has no place for the recognisers");
  return `${page.slice(0, from)}\n${table(head)}\n${page.slice(to)}`;
}

function table(head: readonly string[]): string {
  const lines = corpus();
  const rows = measure(lines, (text) => findIn(text)).map(({ kind, wanted, precision, recall }) =>
    row([`\`${kind}\``, String(wanted), precision.toFixed(3), recall.toFixed(3)]),
  );
  return [row(head), "|---|---:|---:|---:|", ...rows].join("\n");
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
