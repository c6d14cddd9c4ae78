// The sections about money: who has used what, what was saved, and who is near a limit.

import type { UsedLimit } from "../plugins/llm-rate-limit/used-ratio";
import { type Html, html } from "./html";
import { bar, named, table, unseen, type View } from "./parts";
import { type Member, members, type NamedSums, type Sums, type Use } from "./use";

/** Rows of a table before it says how many others there are. */
const fewRows = 15;

export function useSection(use: Use, view: View): Html {
  const { text } = view;
  return html`<section><h2 id="use">${text.sections.use}</h2>
${use.state === "known" ? known(use, view) : html`<p class="note">${use.state === "none" ? text.noLedger : text.ledgerAway}</p>`}
</section>`;
}

function known(use: Extract<Use, { state: "known" }>, view: View): Html {
  const { text } = view;
  const { today, month } = use.total;
  return html`<p class="note">${text.dayZone(use.day, use.time_zone)}. ${use.policy === "local" ? text.ledgerLocal : ""}</p>
<div class="cards">${totals(text.today, today, view)}${totals(text.month, month, view)}${saved(today, month, view)}</div>
${
  month.requests === 0
    ? html`<p class="note">${text.ledgerEmpty}</p>`
    : html`${byDay(use.days, view)}${members.map((member) => byMember(member, use.by[member], view))}`
}`;
}

function totals(name: string, sums: Sums, { text, format }: View): Html {
  const { requests, failed, unpriced, input_tokens, output_tokens, cost_usd } = sums;
  return html`<div class="card"><h3>${name}</h3>
<p class="figure">${format.usd(cost_usd)}</p>
<dl><dt>${text.requests}</dt><dd>${format.count(requests)}</dd>
<dt>${text.failed}</dt><dd>${format.count(failed)}</dd>
<dt>${text.tokens}</dt><dd>${format.short(input_tokens)} ${text.input}, ${format.short(output_tokens)} ${text.output}</dd>
${unpriced > 0 ? html`<dt>${text.unpriced}</dt><dd>${format.count(unpriced)}</dd>` : ""}</dl></div>`;
}

/** The cache, routing and list prices are three questions: their answers may overlap, so they are not added up. */
function saved(today: Sums, month: Sums, { text, format }: View): Html {
  const rows: [string, (sums: Sums) => number][] = [
    [text.savedByCache, (sums) => sums.saved_by_cache_usd],
    [text.savedByRouting, (sums) => sums.saved_by_routing_usd],
    [text.savedAgainstList, (sums) => sums.list_cost_usd - sums.cost_usd],
  ];
  const most = Math.max(...rows.map(([, of]) => of(month)), 0);
  const hits = month.requests > 0 ? month.hits / month.requests : 0;
  return html`<div class="card wide"><h3>${text.saved}</h3>
${table(
  text.saved,
  [
    { head: unseen(text.saved) },
    { head: text.today, number: true },
    { head: text.month, number: true },
    { head: unseen(text.bar) },
  ],
  rows.map(([name, of]) => [
    name,
    format.usd(of(today)),
    format.usd(of(month)),
    bar(most > 0 ? of(month) / most : 0),
  ]),
  { look: "small" },
)}
<p class="note">${format.percent(hits)} ${text.hits}</p></div>`;
}

function byDay(days: ({ day: string } & Sums)[], { text, format }: View): Html {
  const most = Math.max(...days.map(({ cost_usd }) => cost_usd));
  return html`<details><summary><h3>${text.byDay}</h3></summary>
${table(
  text.byDay,
  [
    { head: text.day },
    { head: text.requests, number: true },
    { head: text.tokens, number: true },
    { head: text.cost, number: true },
    { head: unseen(text.bar) },
  ],
  days.map(({ day, requests, input_tokens, output_tokens, cost_usd }) => [
    day,
    format.count(requests),
    format.short(input_tokens + output_tokens),
    format.usd(cost_usd),
    bar(most > 0 ? cost_usd / most : 0),
  ]),
)}</details>`;
}

function byMember(member: Member, all: NamedSums[], view: View): Html {
  const { text, format, whole } = view;
  const isWhole = whole.has(member) || all.length <= fewRows;
  const shown = isWhole ? all : all.slice(0, fewRows - 1);
  const rest = all.slice(shown.length);
  const most = Math.max(...all.map(({ month }) => month.cost_usd), 0);
  const rows = [
    ...shown.map((row) => ({
      ...row,
      label: nameOf(member, row, view),
      share: row.month.cost_usd,
    })),
    ...(rest.length > 0
      ? [{ ...together(rest), label: text.others(format.count(rest.length)), share: 0 }]
      : []),
  ];
  return html`<h3 id="by-${member}">${text.by[member]}</h3>
${table(
  text.by[member],
  [
    { head: text.member[member] },
    { head: text.cost, number: true },
    { head: text.requests, number: true },
    { head: text.cost, number: true },
    { head: unseen(text.bar) },
    { head: text.requests, number: true },
    { head: text.tokens, number: true },
  ],
  rows.map(({ label, today, month, share }) => [
    label,
    format.usd(today.cost_usd),
    format.count(today.requests),
    format.usd(month.cost_usd),
    bar(most > 0 ? share / most : 0),
    format.count(month.requests),
    format.short(month.input_tokens + month.output_tokens),
  ]),
  {
    look: isWhole && all.length > fewRows ? "filtered" : "",
    groups: [
      { head: "", columns: 1 },
      { head: text.today, columns: 2 },
      { head: text.month, columns: 4 },
    ],
  },
)}${more(member, all, isWhole, view)}`;
}

function more(member: Member, all: NamedSums[], isWhole: boolean, view: View): Html | undefined {
  const { text, format, whole } = view;
  if (all.length <= fewRows) return undefined;
  const others = members.filter((one) => whole.has(one) && one !== member);
  const wanted = isWhole ? others : [...others, member];
  const query = wanted.map((one) => `all=${one}`).join("&");
  const words = isWhole ? text.showFewer : text.showAll(format.count(all.length));
  return html`<p><a href="?${query}#by-${member}" aria-label="${words}: ${text.by[member]}">${words}</a></p>`;
}

function nameOf(member: Member, { name }: NamedSums, { text }: View): Html | string {
  if (name === null) return text.notToldApart;
  return name === "" ? text.unknown[member] : named(name);
}

function together(rows: NamedSums[]): { today: Sums; month: Sums } {
  const sum = (sums: Sums[]) =>
    sums.reduce((total, one) => {
      const names = Object.keys(total) as (keyof Sums)[];
      return Object.fromEntries(
        names.map((name) => [name, total[name] + one[name]]),
      ) as unknown as Sums;
    });
  return { today: sum(rows.map(({ today }) => today)), month: sum(rows.map(({ month }) => month)) };
}

export function limitsSection(limits: UsedLimit[], view: View): Html {
  const { text, format } = view;
  const amount = (value: number, measure: string) =>
    measure === "cost_usd" ? format.usd(value) : format.short(value);
  return html`<section><h2 id="limits">${text.sections.limits}</h2>
<p class="note">${limits.length > 0 ? text.limitsNote : text.limitsNone}</p>
${
  limits.length > 0 &&
  table(
    text.sections.limits,
    [
      { head: text.limitOf },
      { head: text.share, number: true },
      { head: unseen(text.bar) },
      { head: text.limit, text: true },
      { head: text.used, number: true },
      { head: text.free },
    ],
    limits
      .slice(0, fewRows)
      .map((row) => [
        html`${text.level[row.of] ?? row.of}${row.name === "*" ? "" : html` ${named(row.name)}`}`,
        format.percent(row.ratio),
        bar(row.ratio, row.ratio >= 1 ? "critical" : row.ratio >= 0.8 ? "warning" : "plain"),
        html`${text.measure[row.measure] ?? row.measure} ${text.window[row.window] ?? row.window}${row.model === "*" ? "" : ` ${text.ofModels(row.model)}`}`,
        html`${amount(row.used, row.measure)} / ${amount(row.limit, row.measure)}`,
        format.time(new Date(row.free_at).toISOString()),
      ]),
  )
}</section>`;
}
