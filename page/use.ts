// What the ledger says of today and of this month, summed up for the page. A month of a thousand consumers
// is hundreds of thousands of rows, so they are added as plain numbers, part by part, and requests go on in
// between. Nano-dollars are exact up to nine million dollars.

import { usdOfNano } from "../models/money";
import { type Amounts, monthOf, type Row } from "../plugins/llm-usage/ledger";
import { daysOfMonth } from "../plugins/llm-usage/ledger-day";
import type { OpenLedger } from "../plugins/llm-usage/open-ledger";
import { RedisUnavailable } from "../redis/connection";

const counted = [
  "requests",
  "failed",
  "hits",
  "unpriced",
  "input_tokens",
  "output_tokens",
  "cost",
  "list_cost",
  "saved_by_cache",
  "saved_by_routing",
] as const satisfies (keyof Amounts)[];

export interface Sums {
  requests: number;
  /** Answered with a status of 400 or more. */
  failed: number;
  /** Answered from the cache. */
  hits: number;
  /** Of which nobody knows the price. */
  unpriced: number;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
  /** The same usage at the vendors' own prices. */
  list_cost_usd: number;
  saved_by_cache_usd: number;
  saved_by_routing_usd: number;
}

export const members = ["consumer", "team", "model"] as const;
export type Member = (typeof members)[number];

export interface NamedSums {
  /** Empty for who is not known; null where the ledger does not tell it apart. */
  name: string | null;
  today: Sums;
  month: Sums;
}

/** `none`: no ledger is kept. `unavailable`: its Redis does not answer. */
export type Use =
  | { state: "none" | "unavailable" }
  | {
      state: "known";
      /** Of the ledger's time zone, as YYYY-MM-DD and YYYY-MM. */
      day: string;
      month: string;
      time_zone: string;
      /** `local`: of this plugin server alone, since it started. */
      policy: "local" | "redis";
      total: { today: Sums; month: Sums };
      /** The days of the month up to today, in order. */
      days: ({ day: string } & Sums)[];
      /** Each by its cost in the month. */
      by: Record<Member, NamedSums[]>;
    };

/** The use of all that is entered in these ledgers. */
export async function useOf(ledgers: readonly OpenLedger[], now: number): Promise<Use> {
  const [first] = ledgers;
  if (!first) return { state: "none" };
  const places = new Map(ledgers.map((ledger) => [ledger.place, ledger]));
  const day = first.dayOf(now);
  const month = monthOf(day);
  const sums = new MonthSums(day);
  try {
    for (const ledger of places.values()) {
      for await (const rows of ledger.parts(daysOfMonth(month))) {
        for (const row of rows) sums.add(row);
        await new Promise(setImmediate);
      }
    }
  } catch (error) {
    if (error instanceof RedisUnavailable) return { state: "unavailable" };
    throw error;
  }
  const { timeZone: time_zone, policy } = first;
  return { state: "known", ...{ day, month, time_zone, policy }, ...sums.told(month) };
}

type Numbers = number[];

interface Pair {
  today: Numbers;
  month: Numbers;
}

class MonthSums {
  private readonly total: Pair = pair();
  private readonly days = new Map<string, Numbers>();
  private readonly by = members.map((member) => ({ member, sums: new Map<string | null, Pair>() }));

  constructor(private readonly today: string) {}

  add(row: Row): void {
    const isToday = row.day === this.today;
    const ofDay = this.days.get(row.day) ?? zeros();
    this.days.set(row.day, ofDay);
    addTo(ofDay, row.amounts);
    addToPair(this.total, row.amounts, isToday);
    for (const { member, sums } of this.by) {
      const known = sums.get(row[member]) ?? pair();
      sums.set(row[member], known);
      addToPair(known, row.amounts, isToday);
    }
  }

  told(month: string) {
    const upToToday = Array.from({ length: Number(this.today.slice(8)) }, (_, at) => {
      const day = `${month}-${`${at + 1}`.padStart(2, "0")}`;
      return { day, ...sumsOf(this.days.get(day) ?? zeros()) };
    });
    const by = this.by.map(({ member, sums }) => {
      const rows = [...sums].map(([name, both]): NamedSums => ({ name, ...sumsOfPair(both) }));
      return [member, rows.sort(byCost)];
    });
    return {
      total: sumsOfPair(this.total),
      days: upToToday,
      by: Object.fromEntries(by) as Record<Member, NamedSums[]>,
    };
  }
}

function byCost(one: NamedSums, other: NamedSums): number {
  return (
    other.month.cost_usd - one.month.cost_usd ||
    other.month.requests - one.month.requests ||
    ((one.name ?? "") < (other.name ?? "") ? -1 : 1)
  );
}

function zeros(): Numbers {
  return counted.map(() => 0);
}

function pair(): Pair {
  return { today: zeros(), month: zeros() };
}

function addTo(numbers: Numbers, amounts: Amounts): void {
  for (let at = 0; at < counted.length; at++) numbers[at]! += amounts[counted[at]!];
}

function addToPair({ today, month }: Pair, amounts: Amounts, isToday: boolean): void {
  addTo(month, amounts);
  if (isToday) addTo(today, amounts);
}

function sumsOfPair({ today, month }: Pair): { today: Sums; month: Sums } {
  return { today: sumsOf(today), month: sumsOf(month) };
}

function sumsOf(numbers: Numbers): Sums {
  const of = (name: (typeof counted)[number]) => numbers[counted.indexOf(name)]!;
  return {
    requests: of("requests"),
    failed: of("failed"),
    hits: of("hits"),
    unpriced: of("unpriced"),
    input_tokens: of("input_tokens"),
    output_tokens: of("output_tokens"),
    cost_usd: usdOfNano(of("cost")),
    list_cost_usd: usdOfNano(of("list_cost")),
    saved_by_cache_usd: usdOfNano(of("saved_by_cache")),
    saved_by_routing_usd: usdOfNano(of("saved_by_routing")),
  };
}
