// The bytes in which report.lua tells how requests ended: a batch is a sequence of records, a record
// a sequence of fields, all with their length before them. Lua writes it, only this file reads it.

import { familyOf, rowOf } from "../families/endpoint";
import { readable } from "../openai/content-coding";
import type { Outcome, Try } from "../stages/outcome";
import { readTicket } from "../stages/ticket";

/** The peer of the outcomes socket does not write this format. */
export class BatchError extends Error {}

/** One record as it came. Numbers that are not there, or are no numbers, are undefined. */
export interface OutcomeRecord {
  /** Absent where Kong answered by itself: no stage let that request through. */
  ticket?: string;
  status?: number;
  source?: string;
  contentType?: string;
  retryAfter?: string;
  body?: Buffer;
  flags?: string;
  /** Milliseconds since the epoch. */
  startedAt?: number;
  firstByteAt?: number;
  endedAt?: number;
  requestId?: string;
  route?: string;
  /** Length of the whole answer in bytes, of which `body` may be only the end. */
  bytes?: number;
  /** Outcomes that this worker dropped since its last batch, because its queue was full. */
  dropped?: number;
  /** How many answers of this status Kong made by itself since the last batch. */
  answers?: number;
  /** How often the batch was sent before without an acknowledgement. */
  attempts?: number;
  contentEncoding?: string;
  retryAfterMs?: string;
  /** Each try of the balancer where there were several, as in "10.0.0.1 443 failed 429, 10.0.0.2 443". */
  tries?: string;
}

// report.lua puts at most 256 into a batch.
const mostRecords = 10_000;

/** Reads the records of one whole batch. Throws a BatchError where lengths do not fit together. */
export function readBatch(batch: Buffer): OutcomeRecord[] {
  const records: OutcomeRecord[] = [];
  for (let at = 0; at < batch.length; ) {
    const end = endOf(batch, at, batch.length);
    if (records.length === mostRecords) throw new BatchError(`over ${mostRecords} records`);
    records.push(readRecord(batch.subarray(at + 4, end)));
    at = end;
  }
  return records;
}

/** What the stages learn from a record; undefined without a ticket that can be read. */
export function outcomeOf(record: OutcomeRecord, now = Date.now()): Outcome | undefined {
  const ticket = record.ticket === undefined ? undefined : readTicket(record.ticket);
  if (!ticket) return undefined;
  const { startedAt = ticket.started_at, endedAt = now, flags = "" } = record;
  const body = legible(record, ticket.endpoint);
  return {
    ticket,
    status: record.status ?? 0,
    source: record.source === "service" || record.source === "exit" ? record.source : "error",
    content_type: record.contentType ?? "",
    ...(record.contentEncoding !== undefined &&
      body === record.body && { content_encoding: record.contentEncoding }),
    ...(record.retryAfter !== undefined && { retry_after: record.retryAfter }),
    ...(record.retryAfterMs !== undefined && { retry_after_ms: record.retryAfterMs }),
    ...(record.tries !== undefined && { tries: triesIn(record.tries) }),
    body,
    ...(ticket.stream && familyOf(ticket.endpoint).endsItself(body)
      ? { complete: true }
      : howItEnded(flags, ticket.method, record.status)),
    truncated: flags.includes("t"),
    bytes: record.bytes ?? record.body?.length ?? 0,
    started_at: startedAt,
    first_byte_at: record.firstByteAt ?? endedAt,
    ended_at: endedAt,
  };
}

function triesIn(text: string): Try[] {
  return text.split(", ").map((one) => {
    const [ip = "", port = "", state, code] = one.split(" ");
    return {
      address: `${ip}:${port}`,
      ...(state !== undefined && { state }),
      ...(code !== undefined && { status: Number(code) }),
    };
  });
}

// Far above any answer of text; what is longer when it is expanded is counted by its length.
const mostExpandedBytes = 32 * 1024 * 1024;

/** An answer that came compressed in spite of our Accept-Encoding, as text. */
function legible({ body = Buffer.alloc(0), contentEncoding }: OutcomeRecord, endpoint: string) {
  if (!rowOf(endpoint)?.result.length) return body;
  return readable(body, mostExpandedBytes, contentEncoding) ?? body;
}

// An answer without a body never passes the tap's filter, so it has no last byte.
function howItEnded(
  flags: string,
  method: string,
  status = 0,
): Pick<Outcome, "complete" | "cut_by"> {
  const bodiless = method === "HEAD" || status === 204 || status === 304;
  const clientStayed = flags.includes("p");
  if (flags.includes("c") || (bodiless && clientStayed)) return { complete: true };
  return { complete: false, cut_by: clientStayed ? "upstream" : "client" };
}

function readRecord(bytes: Buffer): OutcomeRecord {
  const record: OutcomeRecord = {};
  for (let at = 0; at < bytes.length; ) {
    const end = endOf(bytes, at + 1, bytes.length);
    setField(record, bytes[at]!, bytes.subarray(at + 5, end));
    at = end;
  }
  return record;
}

/** Where the part ends whose length (u32, big endian) stands at this place. */
function endOf(bytes: Buffer, at: number, limit: number): number {
  if (at + 4 > limit) throw new BatchError("a length is cut off");
  const end = at + 4 + bytes.readUInt32BE(at);
  if (end > limit) throw new BatchError("a length goes beyond its batch");
  return end;
}

type Read = (value: Buffer) => string | number | Buffer | undefined;

const text: Read = (value) => value.toString();

/** What each field is, by its id. One that is not known here is passed over. */
const fields: Partial<Record<number, [name: keyof OutcomeRecord, read: Read]>> = {
  1: ["ticket", text],
  2: ["status", number],
  3: ["source", text],
  4: ["contentType", text],
  5: ["retryAfter", text],
  6: ["body", (value) => value],
  7: ["flags", text],
  8: ["startedAt", number],
  9: ["firstByteAt", number],
  10: ["endedAt", number],
  11: ["requestId", text],
  12: ["route", text],
  13: ["dropped", number],
  14: ["bytes", number],
  15: ["answers", number],
  16: ["attempts", number],
  17: ["contentEncoding", text],
  18: ["retryAfterMs", text],
  19: ["tries", text],
};

function setField(record: OutcomeRecord, id: number, value: Buffer): void {
  const field = fields[id];
  if (field) Object.assign(record, { [field[0]]: field[1](value) });
}

// Whole numbers in decimal; 2^53 is beyond every time and count there is.
function number(value: Buffer): number | undefined {
  const text = value.length <= 15 ? value.toString("latin1") : "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
