// How a statement of use is printed: as a table for people, as CSV for spreadsheets, as JSON for programs.

import { type Exchange, exchanged, usdText } from "../models/exchange";
import type { AmountName, Row } from "../plugins/llm-usage/ledger";
import { type ReportMember, report, type Sums, total } from "../plugins/llm-usage/usage-report";
import { alignedTable } from "./table";

export interface Statement {
  from: string;
  to: string;
  by: ReportMember[];
  rows: Row[];
  exchange?: Exchange;
  /** Months of the span that are closed, and since when. */
  closed: [month: string, at: string][];
}

export const formats = { table, csv, json };

const money = ["cost", "list_cost", "saved_by_cache", "saved_by_routing", "late_cost"] as const;

const columns = [
  ...["requests", "failed", "hits", "estimated", "unpriced"],
  ...["input_tokens", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens"],
  ...["audio_input_tokens", "output_tokens", "reasoning_tokens", "audio_output_tokens"],
  ...["cost", "list_cost", "saved_by_cache", "saved_by_routing"],
  ...["late_requests", "late_cost"],
] as AmountName[];

/** What people read first; the others are shown where there is any. */
const always: readonly AmountName[] = ["requests", "input_tokens", "output_tokens", "cost"];
const heads: Partial<Record<AmountName, string>> = {
  input_tokens: "input",
  cached_input_tokens: "cached",
  cache_write_tokens: "written",
  cache_write_1h_tokens: "written 1h",
  audio_input_tokens: "audio in",
  output_tokens: "output",
  reasoning_tokens: "reasoning",
  audio_output_tokens: "audio out",
  cost: "cost $",
  list_cost: "at list price $",
  saved_by_cache: "saved by cache $",
  saved_by_routing: "saved by routing $",
  late_requests: "late",
  late_cost: "late $",
};

function table({ from, to, by, rows, exchange, closed }: Statement): string {
  const sums = total(rows);
  const shown = columns.filter((name) => always.includes(name) || sums[name] !== 0n);
  const priced = exchange ? [`cost ${exchange.currency}`] : [];
  const cells = (names: string[], of: Sums) => [
    ...names,
    ...shown.map((name) => amountText(name, of)),
    ...(exchange ? [exchanged(of.cost, exchange)] : []),
  ];
  const lines = report(rows, by).map(({ names, sums: of }) =>
    cells(
      names.map((name) => printable(name ?? "-")),
      of,
    ),
  );
  const notes = [
    `${from} to ${to}`,
    ...(exchange ? [`1 USD = ${exchange.rate} ${exchange.currency}`] : []),
    ...closed.map(([month, at]) => `${month} is closed since ${at}`),
  ];
  const named = by.map((member) => (member.startsWith("tag:") ? member.slice(4) : member));
  const head = [...named, ...shown.map((name) => heads[name] ?? name), ...priced];
  const all = cells(
    by.map((_, at) => (at === 0 ? "total" : "")),
    sums,
  );
  return `${notes.join("; ")}\n${alignedTable([head, ...lines, all], by.length)}`;
}

/** RFC 4180, each column always there. */
function csv({ by, rows, exchange }: Statement): string {
  const extra = exchange ? [`cost_${exchange.currency.toLowerCase()}`] : [];
  const head = [...by, ...columns.map(memberOf), ...extra];
  const lines = report(rows, by).map(({ names, sums }) => [
    ...names.map((name) => textCell(name ?? "")),
    ...columns.map((name) => amountText(name, sums)),
    ...(exchange ? [exchanged(sums.cost, exchange)] : []),
  ]);
  return [head, ...lines].map((cells) => `${cells.join(",")}\r\n`).join("");
}

// Clients choose the values of tags, and a spreadsheet takes what begins so for a formula.
function textCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function json({ from, to, by, rows, exchange, closed }: Statement): string {
  const amounts = (sums: Sums) => ({
    ...Object.fromEntries(columns.map((name) => [memberOf(name), shownAs(name, sums)])),
    ...(exchange && {
      [`cost_${exchange.currency.toLowerCase()}`]: exchanged(sums.cost, exchange),
    }),
  });
  const value = {
    ...{ from, to },
    ...(exchange && { currency: exchange.currency, rate: exchange.rate }),
    closed: Object.fromEntries(closed),
    rows: report(rows, by).map(({ names, sums }) => ({
      ...Object.fromEntries(by.map((member, at) => [member, names[at]])),
      ...amounts(sums),
    })),
    total: amounts(total(rows)),
  };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Money as text: a JSON number would lose its last digits. */
function shownAs(name: AmountName, sums: Sums): string | number {
  return isMoney(name) ? usdText(sums[name]) : Number(sums[name]);
}

function amountText(name: AmountName, sums: Sums): string {
  return isMoney(name) ? usdText(sums[name]) : `${sums[name]}`;
}

function memberOf(name: AmountName): string {
  return isMoney(name) ? `${name}_usd` : name;
}

function isMoney(name: AmountName): boolean {
  return (money as readonly string[]).includes(name);
}

/** What clients choose must not move a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "?");
}
