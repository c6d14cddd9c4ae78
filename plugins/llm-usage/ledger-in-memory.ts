// The ledger of this process, where there is no Redis or the options want none: it begins anew with it.

import { LRUCache } from "lru-cache";
import {
  amountList,
  amountsOf,
  type Entry,
  type Ledger,
  monthOf,
  type Row,
  readRowText,
  rowText,
  type Span,
  wholeOf,
} from "./ledger";
import type { DayOf } from "./ledger-day";

export interface Keeping {
  /** Days that rows are kept. */
  retainDays: number;
  /** Of a month and consumer; what comes beyond goes to the coarse rows. */
  mostRows: number;
  dayOf: DayOf;
}

const dayMs = 86_400_000;
// Some 40 MB: 1,000 consumers with 20 rows a day, for ten days.
const mostRowsInAll = 200_000;

type Rows = Map<string, number[]>;

export function ledgerInMemory(keeping: Keeping, now: () => number = () => Date.now()): Ledger {
  const { retainDays, mostRows, dayOf } = keeping;
  // By month and consumer; those that were not entered for longest go first.
  const books = new LRUCache<string, Rows>({
    ttl: retainDays * dayMs,
    maxSize: mostRowsInAll,
    sizeCalculation: (rows) => rows.size + 1,
  });
  const entered = new LRUCache<string, true>({ max: 100_000 });

  async function* parts({ from, to, consumer }: Span): AsyncGenerator<Row[]> {
    const kept = dayOf(now() - retainDays * dayMs);
    for (const [book, rows] of [...books.entries()]) {
      const [month, who] = JSON.parse(book) as [string, string];
      if (consumer !== undefined && who !== consumer) continue;
      const found: Row[] = [];
      for (const [text, amounts] of rows) {
        const row = { consumer: who, ...readRowText(month, text), amounts: amountsOf(amounts) };
        if (row.day >= from && row.day <= to && row.day >= kept) found.push(row);
      }
      yield found;
    }
  }

  return {
    async enter(entry) {
      if (entered.has(entry.id)) return "again";
      entered.set(entry.id, true);
      const book = JSON.stringify([monthOf(entry.day), entry.consumer]);
      const rows = books.get(book) ?? new Map();
      add(rows, entry, mostRows);
      books.set(book, rows);
      return "entered";
    },

    read: (span) => wholeOf(parts(span)),
    parts,
  };
}

function add(rows: Rows, { day, row, coarse, amounts }: Entry, mostRows: number): void {
  const fine = rowText(day, row);
  const text = rows.has(fine) || rows.size < mostRows ? fine : rowText(day, coarse);
  const sums = rows.get(text) ?? [];
  rows.set(
    text,
    amountList(amounts).map((amount, at) => amount + (sums[at] ?? 0)),
  );
}
