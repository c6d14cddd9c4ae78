// The bytes in which report.lua tells how requests ended: a batch is a sequence of records, a record
// a sequence of fields, all with their length before them. Lua writes it, only this file reads it.

import type { Outcome } from "../stages/outcome";
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
  return {
    ticket,
    status: record.status ?? 0,
    source: record.source === "service" || record.source === "exit" ? record.source : "error",
    content_type: record.contentType ?? "",
    ...(record.retryAfter !== undefined && { retry_after: record.retryAfter }),
    body: record.body ?? Buffer.alloc(0),
    ...howItEnded(flags, ticket.method, record.status),
    truncated: flags.includes("t"),
    bytes: record.bytes ?? record.body?.length ?? 0,
    started_at: startedAt,
    first_byte_at: record.firstByteAt ?? endedAt,
    ended_at: endedAt,
  };
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

function setField(record: OutcomeRecord, id: number, value: Buffer): void {
  switch (id) {
    case 1:
      record.ticket = value.toString();
      break;
    case 2:
      record.status = number(value);
      break;
    case 3:
      record.source = value.toString();
      break;
    case 4:
      record.contentType = value.toString();
      break;
    case 5:
      record.retryAfter = value.toString();
      break;
    case 6:
      record.body = value;
      break;
    case 7:
      record.flags = value.toString();
      break;
    case 8:
      record.startedAt = number(value);
      break;
    case 9:
      record.firstByteAt = number(value);
      break;
    case 10:
      record.endedAt = number(value);
      break;
    case 11:
      record.requestId = value.toString();
      break;
    case 12:
      record.route = value.toString();
      break;
    case 13:
      record.dropped = number(value);
      break;
    case 14:
      record.bytes = number(value);
      break;
  }
}

// Whole numbers in decimal; 2^53 is beyond every time and count there is.
function number(value: Buffer): number | undefined {
  const text = value.length <= 15 ? value.toString("latin1") : "";
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
