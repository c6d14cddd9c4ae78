// Rows of a ledger, summed up by what is asked: for the command line, the caller and the operators' page.
// Sums are big integers, as those of a year may be beyond what a number holds.

import { type AmountName, amountNames, monthOf, type Row } from "./ledger";

const reportMembers = [
  "day",
  "month",
  "consumer",
  "team",
  "end_user",
  "model",
  "provider",
  "endpoint",
] as const;

/** What can be asked for: one of the above, or `tag:NAME`. */
export type ReportMember = (typeof reportMembers)[number] | `tag:${string}`;

export type Sums = Record<AmountName, bigint>;

interface ReportRow {
  /** In the order of what was asked for; null where the ledger does not tell it apart. */
  names: (string | null)[];
  sums: Sums;
}

export function isReportMember(text: string): text is ReportMember {
  return (reportMembers as readonly string[]).includes(text) || /^tag:[a-z][a-z0-9_]*$/.test(text);
}

/** By time where that is asked for first, else the dearest first. */
export function report(rows: readonly Row[], by: readonly ReportMember[]): ReportRow[] {
  const groups = new Map<string, ReportRow>();
  for (const row of rows) {
    const names = by.map((member) => nameOf(row, member));
    const key = JSON.stringify(names);
    const group = groups.get(key) ?? { names, sums: noSums() };
    addTo(group.sums, row);
    groups.set(key, group);
  }
  const isByTime = by[0] === "day" || by[0] === "month";
  return [...groups.values()].sort(isByTime ? byNames : byCost);
}

/** All rows together. */
export function total(rows: readonly Row[]): Sums {
  return report(rows, [])[0]?.sums ?? noSums();
}

function noSums(): Sums {
  return Object.fromEntries(amountNames.map((name) => [name, 0n])) as Sums;
}

function addTo(sums: Sums, { amounts }: Row): void {
  for (const name of amountNames) sums[name] += BigInt(amounts[name]);
}

function nameOf(row: Row, member: ReportMember): string | null {
  if (member.startsWith("tag:")) {
    const tag = member.slice("tag:".length);
    return Object.hasOwn(row.tags, tag) ? row.tags[tag]! : "";
  }
  if (member === "month") return monthOf(row.day);
  return row[member as Exclude<ReportMember, `tag:${string}` | "month">];
}

function byNames(one: ReportRow, other: ReportRow): number {
  const [here, there] = [one, other].map(({ names }) => names.join("\n"));
  return here! < there! ? -1 : 1;
}

function byCost(one: ReportRow, other: ReportRow): number {
  for (const name of ["cost", "requests"] as const) {
    const difference = other.sums[name] - one.sums[name];
    if (difference !== 0n) return difference > 0n ? 1 : -1;
  }
  return byNames(one, other);
}
