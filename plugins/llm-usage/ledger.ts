// What a ledger is, wherever it is kept: who has used what, by the day. A row is a day of one consumer
// and what else the options tell apart; its amounts are whole numbers that only ever grow.

/** What is summed up for each row. New ones go to the end: they are stored by their position. */
export const amountNames = [
  "requests",
  /** Answered with a status of 400 or more. */
  "failed",
  "hits",
  /** Of which the tokens are an estimate of ours. */
  "estimated",
  /** Served, and nobody knows at which price. */
  "unpriced",
  "input_tokens",
  "cached_input_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
  "audio_input_tokens",
  "output_tokens",
  "reasoning_tokens",
  "audio_output_tokens",
  // Money in nano-dollars, as models/money.ts says why.
  "cost",
  /** The same usage at the price that the vendor's own page says, where it is known. */
  "list_cost",
  /** What hits would have cost. */
  "saved_by_cache",
  /** What the model that was not chosen would have cost, less what the chosen one did: may be negative. */
  "saved_by_routing",
  /** Of these, requests and cost of a month that was closed before they came. */
  "late_requests",
  "late_cost",
] as const;

export type AmountName = (typeof amountNames)[number];
export type Amounts = Record<AmountName, number>;

/** By what rows are told apart, beside the day and the consumer; null where the options leave it out. */
export interface RowName {
  team: string | null;
  /** A digest, as the limits of end users have it: kong-llm limits finds them by their name. */
  end_user: string | null;
  model: string | null;
  provider: string | null;
  endpoint: string | null;
  tags: Readonly<Record<string, string>>;
}

/** One request that has ended. */
export interface Entry {
  /** Of the request: one id is entered once. */
  id: string;
  /** As YYYY-MM-DD, of the ledger's time zone. */
  day: string;
  /** When the request came, in milliseconds since the epoch: the same however often its end is told. */
  started_at: number;
  /** Empty for who is not known. */
  consumer: string;
  row: RowName;
  /** The row for all that a consumer with too many rows adds: what anybody can make up is left out. */
  coarse: RowName;
  amounts: Partial<Amounts>;
}

export interface Row extends RowName {
  day: string;
  consumer: string;
  amounts: Amounts;
}

/** Days as YYYY-MM-DD, the last one included; of one consumer or of all. */
export interface Span {
  from: string;
  to: string;
  consumer?: string;
}

/**
 * `again`: the id was entered before, nothing was added. `late`: its month is closed, so it stands in
 * the day of the entry, and is told there.
 */
export type Entered = "entered" | "again" | "late";

export interface Ledger {
  enter(entry: Entry): Promise<Entered>;
  /** The rows of a span, in no order. */
  read(span: Span): Promise<Row[]>;
  /** The same in parts of a few thousand: of many consumers, for who must not keep others waiting. */
  parts(span: Span): AsyncIterable<Row[]>;
}

/** All parts together. */
export async function wholeOf(parts: AsyncIterable<Row[]>): Promise<Row[]> {
  const whole: Row[] = [];
  for await (const rows of parts) for (const row of rows) whole.push(row);
  return whole;
}

export function monthOf(day: string): string {
  return day.slice(0, 7);
}

/** The name of a row within its month and consumer, as it is stored. */
export function rowText(day: string, row: RowName): string {
  const { team, end_user, model, provider, endpoint, tags } = row;
  return JSON.stringify([day.slice(8), team, end_user, model, provider, endpoint, tags]);
}

/** Reads such a name. */
export function readRowText(month: string, text: string): RowName & { day: string } {
  const [date, team, end_user, model, provider, endpoint, tags] = JSON.parse(text) as StoredName;
  return { day: `${month}-${date}`, team, end_user, model, provider, endpoint, tags };
}

type Name = string | null;
type StoredName = [string, Name, Name, Name, Name, Name, Record<string, string>];

/** Amounts in their order, as they are stored. */
export function amountList(amounts: Partial<Amounts>): number[] {
  return amountNames.map((name) => amounts[name] ?? 0);
}

/** Amounts from their order; those that an older version did not count are 0. */
export function amountsOf(list: readonly number[]): Amounts {
  return Object.fromEntries(amountNames.map((name, at) => [name, list[at] ?? 0])) as Amounts;
}

/** The amounts of a late entry, which tell that it is one. */
export function asLate(amounts: Partial<Amounts>): Partial<Amounts> {
  return { ...amounts, late_requests: amounts.requests ?? 0, late_cost: amounts.cost ?? 0 };
}
