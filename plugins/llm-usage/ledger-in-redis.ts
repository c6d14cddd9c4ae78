// The ledger of all nodes, in a Redis. The only place that knows the positions of the scripts' arguments
// and replies, and how keys are named: all of them share a slot, so that a month is closed for all at once.

import { join } from "node:path";
import type { RedisConnection } from "../../redis/connection";
import { loadScript } from "../../redis/script";
import {
  amountList,
  amountsOf,
  asLate,
  type Entered,
  type Entry,
  type Ledger,
  monthOf,
  type Row,
  readRowText,
  rowText,
  type Span,
  wholeOf,
} from "./ledger";
import { daysOfMonth, monthsIn } from "./ledger-day";
import type { Keeping } from "./ledger-in-memory";

const enter = loadScript(join(__dirname, "enter.lua"));
const close = loadScript(join(__dirname, "close.lua"));

const daySeconds = 86_400;
/** Ids that came within so many milliseconds share a set. */
const idsMs = 600_000;
// Consumers that are read together: a month of theirs is some thousands of rows, which is answered within
// the time-out of one command, and keeps the requests of others waiting for milliseconds only.
const pageSize = 20;

/**
 * What is entered in one turn of the event loop goes in one command for each consumer, in the packet of
 * the settlements of that turn. May reject with RedisUnavailable where it is not known whether it was
 * done: an entry may be made again then.
 */
export function ledgerInRedis(
  connection: RedisConnection,
  prefix: string,
  keeping: Keeping,
  now: () => number = () => Date.now(),
): Ledger {
  let waiting: Waiting[] = [];

  function enterWaiting(): void {
    const groups = new Map<string, Waiting[]>();
    for (const one of waiting) {
      const book = bookOf(one.entry);
      const group = groups.get(book);
      if (group) group.push(one);
      else groups.set(book, [one]);
    }
    waiting = [];
    for (const group of groups.values()) void enterGroup(group);
  }

  async function enterGroup(group: Waiting[]): Promise<void> {
    const entries = group.map(({ entry }) => entry);
    try {
      const { keys, args } = enterArguments(prefix, entries, keeping, keeping.dayOf(now()));
      const reply = await connection.run((client) => enter(client, keys, args));
      for (const [at, { done }] of group.entries()) done(replies[(reply as number[])[at]!]!);
    } catch (error) {
      for (const { failed } of group) failed(error);
    }
  }

  return {
    enter: (entry) =>
      new Promise((done, failed) => {
        if (waiting.length === 0) queueMicrotask(enterWaiting);
        waiting.push({ entry, done, failed });
      }),
    read: (span) => wholeOf(partsOf(connection, prefix, span)),
    parts: (span) => partsOf(connection, prefix, span),
  };
}

interface Waiting {
  entry: Entry;
  done(entered: Entered): void;
  failed(error: unknown): void;
}

const replies: readonly Entered[] = ["again", "entered", "late"];

/** What one call of the script can enter together. */
function bookOf({ day, consumer, started_at }: Entry): string {
  return JSON.stringify([monthOf(day), consumer, idsBucket(started_at)]);
}

function idsBucket(startedAt: number): number {
  return Math.floor(startedAt / idsMs);
}

function keysOf(prefix: string) {
  const key = (name: string) => `${prefix}:{ledger}:${name}`;
  return {
    closed: key("closed"),
    ids: (startedAt: number) => key(`ids:${idsBucket(startedAt)}`),
    who: (month: string) => key(`who:${month}`),
    rows: (month: string, consumer: string) => key(`rows:${month}:${encodeURIComponent(consumer)}`),
  };
}

/** KEYS and ARGV of enter.lua. @param today in which late entries are booked */
function enterArguments(
  prefix: string,
  entries: Entry[],
  { retainDays, mostRows }: Keeping,
  today: string,
): { keys: string[]; args: (string | number)[] } {
  const { day, consumer, started_at } = entries[0]!;
  const month = monthOf(day);
  // A month that has not ended is not closed; where clocks differ, the next one begins.
  const lateDay = monthOf(today) > month ? today : dayAfter(month);
  const late = monthOf(lateDay);
  const { closed, ids, who, rows } = keysOf(prefix);
  // An id comes from a socket: whatever it is, Redis can read it.
  const packed = entries.map((entry) => [
    ...[JSON.stringify(entry.id), rowText(entry.day, entry.row), rowText(entry.day, entry.coarse)],
    ...[amountList(entry.amounts), rowText(lateDay, entry.coarse)],
    amountList(asLate(entry.amounts)),
  ]);
  return {
    keys: [
      ...[closed, ids(started_at), who(month), rows(month, consumer)],
      ...[who(late), rows(late, consumer)],
    ],
    args: [month, consumer, retainDays * daySeconds, mostRows, JSON.stringify(packed)],
  };
}

function dayAfter(month: string): string {
  const next = new Date(`${daysOfMonth(month).to}T00:00:00Z`).getTime() + daySeconds * 1000;
  return new Date(next).toISOString().slice(0, 10);
}

async function* partsOf(
  connection: RedisConnection,
  prefix: string,
  { from, to, consumer }: Span,
): AsyncGenerator<Row[]> {
  for (const month of monthsIn(from, to)) {
    const consumers =
      consumer === undefined ? await consumersOf(connection, prefix, month) : [consumer];
    for (let at = 0; at < consumers.length; at += pageSize) {
      const page = consumers.slice(at, at + pageSize);
      const books = await connection.run((client) =>
        Promise.all(page.map((who) => client.hgetall(keysOf(prefix).rows(month, who)))),
      );
      for (const [n, book] of books.entries()) {
        const rows = rowsOf(month, page[n]!, book);
        yield rows.filter(({ day }) => day >= from && day <= to);
      }
    }
  }
}

function consumersOf(connection: RedisConnection, prefix: string, month: string) {
  return connection.run((client) => client.smembers(keysOf(prefix).who(month)));
}

function rowsOf(month: string, consumer: string, book: Record<string, string>): Row[] {
  return Object.entries(book).map(([text, amounts]) => {
    const list = amounts.split(" ").map(Number);
    return { consumer, ...readRowText(month, text), amounts: amountsOf(list) };
  });
}

/**
 * Closes a month, as YYYY-MM: what comes of it later is booked where it comes. Returns when it was
 * closed, as text: now, or before. Throws RedisUnavailable.
 */
export async function closeMonth(
  connection: RedisConnection,
  prefix: string,
  month: string,
  at: string,
  retainDays: number,
): Promise<string> {
  const { closed } = keysOf(prefix);
  const seconds = retainDays * daySeconds;
  const reply = await connection.run((client) => close(client, [closed], [month, at, seconds]));
  return String(reply);
}

/** When each closed month was closed. Throws RedisUnavailable. */
export function closedMonths(
  connection: RedisConnection,
  prefix: string,
): Promise<Record<string, string>> {
  return connection.run((client) => client.hgetall(keysOf(prefix).closed));
}
