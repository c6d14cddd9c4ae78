// The form that a stored answer has in Redis: one line that says what follows, then the body's bytes
// as they came, or compressed. Whatever else is found under a key is not an entry.

import type { Entry } from "./answers";
import { compress, type Encoding, encodings, expand } from "./compression";

/** What the first line of an entry says. */
export interface Head extends Omit<Entry, "body"> {
  /** Length of the body as the client got it, in bytes. */
  length: number;
  /** Length of what follows the first line, in bytes. */
  bytes: number;
  encoding?: Encoding;
}

// Another format gets another word here and in look.lua; this one's entries are misses then.
const format = "llm-cache/1";
// The first line is never longer; an admin who looks for entries reads no more of each.
export const longestHead = 4096;
// Below this a body gets no smaller by what it would cost.
const worthCompressing = 256;
// The largest max_entry_bytes: whatever a head says, no more memory is taken for its body.
const longestBody = 33_554_432;

/** @param level 1 (fastest) to 9 (smallest); undefined: the body stays as it is */
export async function encodeEntry(
  entry: Entry,
  compression?: { encoding: Encoding; level: number },
): Promise<Buffer> {
  const { body, stored_at, ...told } = entry;
  const packed =
    compression && body.byteLength >= worthCompressing
      ? await compress(body, compression.encoding, compression.level)
      : body;
  const smaller = packed.byteLength < body.byteLength;
  const bytes = smaller ? packed : body;
  const head = {
    ...told,
    length: body.byteLength,
    bytes: bytes.byteLength,
    ...(smaller && { encoding: compression!.encoding }),
  };
  // The time stands before the JSON: look.lua reads it.
  return Buffer.concat([Buffer.from(`${format} ${stored_at} ${JSON.stringify(head)}\n`), bytes]);
}

/** Undefined for anything that is not a whole entry. */
export async function decodeEntry(value: Buffer): Promise<Entry | undefined> {
  const head = decodeHead(value);
  if (!head) return undefined;
  const stored = value.subarray(value.indexOf("\n") + 1);
  if (stored.byteLength !== head.bytes) return undefined;
  const { length, encoding } = head;
  const body = encoding ? await expand(stored, encoding, length) : stored;
  if (body?.byteLength !== length) return undefined;
  const { status, content_type, stored_at, model, consumer } = head;
  return { status, content_type, stored_at, model, consumer, body };
}

/** The first line, of which the value may be the beginning; undefined where it is no entry's. */
export function decodeHead(value: Buffer): Head | undefined {
  const end = value.subarray(0, longestHead).indexOf("\n");
  const line = value.subarray(0, Math.max(end, 0)).toString();
  const [, stored_at, json] = /^llm-cache\/1 (\d{1,15}) (.*)$/.exec(line) ?? [];
  const head = json === undefined ? undefined : parse(json);
  return head && isHead(head) ? Object.assign(head, { stored_at: Number(stored_at) }) : undefined;
}

function parse(json: string): object | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHead(head: object): head is Omit<Head, "stored_at"> {
  const { status, content_type, model, consumer, length, bytes, encoding } = head as Partial<
    Record<keyof Head, unknown>
  >;
  return (
    status === 200 &&
    typeof content_type === "string" &&
    /^[\x20-\x7e]+$/.test(content_type) &&
    typeof model === "string" &&
    typeof consumer === "string" &&
    isLength(length) &&
    isLength(bytes) &&
    (encoding === undefined || encodings.includes(encoding as Encoding))
  );
}

function isLength(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= longestBody;
}
