// The bytes in which report.lua tells how requests ended: a batch is a sequence of records, a record
// a sequence of fields, all with their length before them. Lua writes it, only this file reads it.

import { familyOf, rowOf } from "../families/endpoint";
import { readable } from "../openai/content-coding";
import type { Outcome } from "../stages/outcome";
import { readTicket, type Ticket } from "../stages/ticket";
import { openTicket } from "../stages/unheard";
import { furtherTries, leftIn, type ToldTries, ticketOfTry, triesIn } from "./tried";

/** The peer of the outcomes socket does not write this format. */
export class BatchError extends Error {}

/** One record as it came. Numbers that are not there, or are no numbers, are undefined. */
export interface OutcomeRecord extends ToldTries {
  /** Absent where Kong answered by itself: no stage let that request through. */
  ticket?: Buffer;
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
  /** Length of the whole answer in bytes, of which `body` may be only the end. */
  bytes?: number;
  /** Outcomes that this worker dropped since its last batch, because its queue was full. */
  dropped?: number;
  /** How many answers of this status Kong made by itself since the last batch. */
  answers?: number;
  /** Questions that got no answer since the last batch: the connection ended, and nothing came for long. */
  unansweredClosed?: number;
  unansweredSilent?: number;
  /** The name of the batch, the same where it is sent again. */
  batch?: string;
  /** How often that batch was sent before. */
  sentBefore?: number;
  contentEncoding?: string;
  retryAfterMs?: string;
  /** Each try of the balancer where there were several. */
  tries?: string;
  /** As in the header traceparent. */
  traceParent?: string;
  /** What the upstream says is left, one a line: requests, their reset, tokens, their reset. */
  left?: string;
}

// report.lua puts at most 256 into a batch.
const mostRecords = 10_000;

/** Reads the records of one whole batch. Throws a BatchError where lengths do not fit together. */
export function readBatch(batch: Buffer): OutcomeRecord[] {
  const records: OutcomeRecord[] = [];
  for (let at = 0; at < batch.length; ) {
    const end = endOf(batch, at, batch.length);
    if (records.length === mostRecords) throw new BatchError(`over ${mostRecords} records`);
    records.push(readRecord(batch, at + 4, end));
    at = end;
  }
  return records;
}

/** What the stages learn from a record; undefined without a ticket that can be read. */
export function outcomeOf(record: OutcomeRecord, now = Date.now()): Outcome | undefined {
  const ticket = ticketOf(record);
  if (!ticket) return undefined;
  const { startedAt = ticket.started_at, endedAt = now, flags = "" } = record;
  const body = legible(record, ticket.endpoint);
  const retried = furtherTries(record, ticket);
  return {
    ticket: retried ? ticketOfTry(ticket, retried.served_try) : ticket,
    ...retried,
    status: record.status ?? 0,
    source: record.source === "service" || record.source === "exit" ? record.source : "error",
    content_type: record.contentType ?? "",
    ...(record.contentEncoding !== undefined &&
      body === record.body && { content_encoding: record.contentEncoding }),
    ...(record.retryAfter !== undefined && { retry_after: record.retryAfter }),
    ...(record.retryAfterMs !== undefined && { retry_after_ms: record.retryAfterMs }),
    ...(record.left !== undefined && { left: leftIn(record.left) }),
    ...(record.tries !== undefined && { tries: triesIn(record.tries) }),
    ...(record.traceParent !== undefined && { trace_parent: record.traceParent }),
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

/** As this process has given it out, without reading it again; else, after a restart, as it came back. */
function ticketOf({ requestId, ticket }: OutcomeRecord): Ticket | undefined {
  if (ticket === undefined) return undefined;
  return (requestId !== undefined && openTicket(requestId)) || readTicket(ticket.toString());
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

function readRecord(batch: Buffer, start: number, limit: number): OutcomeRecord {
  const record: OutcomeRecord = {};
  for (let at = start; at < limit; ) {
    const end = endOf(batch, at + 1, limit);
    setField(record, batch, at + 5, end);
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

/** Sets the field whose id stands before its length. One that is not known here is passed over. */
function setField(record: OutcomeRecord, batch: Buffer, start: number, end: number): void {
  switch (batch[start - 5]) {
    case 1:
      record.ticket = batch.subarray(start, end);
      break;
    case 2:
      record.status = wholeNumber(batch, start, end);
      break;
    case 3:
      record.source = textIn(batch, start, end);
      break;
    case 4:
      record.contentType = textIn(batch, start, end);
      break;
    case 5:
      record.retryAfter = textIn(batch, start, end);
      break;
    case 6:
      record.body = batch.subarray(start, end);
      break;
    case 7:
      record.flags = textIn(batch, start, end);
      break;
    case 8:
      record.startedAt = wholeNumber(batch, start, end);
      break;
    case 9:
      record.firstByteAt = wholeNumber(batch, start, end);
      break;
    case 10:
      record.endedAt = wholeNumber(batch, start, end);
      break;
    case 11:
      record.requestId = textIn(batch, start, end);
      break;
    case 13:
      record.dropped = wholeNumber(batch, start, end);
      break;
    case 14:
      record.bytes = wholeNumber(batch, start, end);
      break;
    case 15:
      record.answers = wholeNumber(batch, start, end);
      break;
    case 17:
      record.contentEncoding = textIn(batch, start, end);
      break;
    case 18:
      record.retryAfterMs = textIn(batch, start, end);
      break;
    case 19:
      record.tries = textIn(batch, start, end);
      break;
    case 20:
      record.batch = textIn(batch, start, end);
      break;
    case 21:
      record.traceParent = textIn(batch, start, end);
      break;
    case 22:
      record.servedTry = wholeNumber(batch, start, end);
      break;
    case 23:
      record.failedTries = textIn(batch, start, end);
      break;
    case 24:
      record.sentBefore = wholeNumber(batch, start, end);
      break;
    case 25:
      record.left = textIn(batch, start, end);
      break;
    case 26:
      record.unansweredClosed = wholeNumber(batch, start, end);
      break;
    case 27:
      record.unansweredSilent = wholeNumber(batch, start, end);
      break;
  }
}

function textIn(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("utf8", start, end);
}

const [zero, nine] = [0x30, 0x39] as const;

// In decimal; 2^53 is beyond every time and count there is.
function wholeNumber(bytes: Buffer, start: number, end: number): number | undefined {
  if (end === start || end - start > 15) return undefined;
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]!;
    if (digit < zero || digit > nine) return undefined;
    number = number * 10 + digit - zero;
  }
  return number;
}
