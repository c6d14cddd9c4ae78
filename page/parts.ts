// What several sections are made of: tables that scroll where they are too wide, and bars. A bar repeats a
// number that stands beside it, so who does not see it misses nothing.

import type { Format } from "./format";
import { type Html, html } from "./html";
import type { Language } from "./language";
import type { Member } from "./use";
import type { Words } from "./words";

/** For whom a section is written, and how much of it. */
export interface View {
  text: Words;
  format: Format;
  language: Language;
  /** What is shown to its last row. */
  whole: ReadonlySet<Member>;
}

/** @param share from 0 to 1; above 0 at least a sliver is seen */
export function bar(share: number, look: "plain" | "warning" | "critical" = "plain"): Html {
  const width = share > 0 ? Math.min(100, Math.max(0.5, share * 100)) : 0;
  return html`<svg class="bar ${look}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="track" width="100" height="8"/><rect class="fill" width="${width.toFixed(1)}" height="8"/></svg>`;
}

/** A column of numbers has its head above their ends. */
interface Column {
  head: string | Html;
  number?: boolean;
  /** May be broken into lines. */
  text?: boolean;
}

/** A head over some columns. */
export interface Group {
  head: string;
  columns: number;
}

/** A row's first cell is its head. @param name what the table is about, for who cannot see where it stands */
export function table(
  name: string,
  columns: readonly Column[],
  rows: readonly (readonly (string | Html)[])[],
  { look = "", groups }: { look?: string; groups?: readonly Group[] } = {},
): Html {
  const classOf = (at: number) => {
    const { number, text } = columns[at] ?? {};
    return number ? "number" : text ? "text" : "";
  };
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table class="${look}">
<thead>${groups && html`<tr>${groups.map(({ head, columns: span }) => (head === "" ? html`<td colspan="${span}"></td>` : html`<th scope="colgroup" colspan="${span}">${head}</th>`))}</tr>`}<tr>${columns.map(({ head }, at) => html`<th scope="col" class="${classOf(at)}">${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first = "", ...cells]) =>
      html`<tr><th scope="row" class="${classOf(0)}">${first}</th>${cells.map((cell, at) => html`<td class="${classOf(at + 1)}">${cell}</td>`)}</tr>
`,
  )}</tbody>
</table></div>`;
}

/** For who listens: on the screen its place says it. */
export function unseen(text: string): Html {
  return html`<span class="unseen">${text}</span>`;
}

/** A name that may be long: what does not fit is in its title. */
export function named(name: string): Html {
  return html`<span class="name" title="${name}">${name}</span>`;
}
