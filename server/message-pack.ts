// What a message says: msgpackr, set up for Kong's Lua, which writes bytes and text alike and cannot
// read extension types.

import { Packr, RESERVE_START_SPACE, Unpackr } from "msgpackr";
import { FrameError, MessageWalker } from "./frames";

// Lua numbers above 32 bits come as uint64; they are doubles, so a JavaScript number holds them.
// Bytes are copied out of a message, which lies in memory that is used again.
const unpackr = new Unpackr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: "number",
  copyBuffers: true,
});
const packr = new Packr({
  useRecords: false,
  variableMapSize: true,
  encodeUndefinedAsNil: true,
});

const range = { start: 0, end: 0 };

/** Decodes one complete value: maps as objects, `bin` as Buffer, `str` as text. */
export function decode(bytes: Uint8Array, start = 0, end = bytes.length): unknown {
  range.start = start;
  range.end = end;
  try {
    return unpackr.unpack(bytes, range);
  } catch {
    throw new FrameError("a message cannot be decoded");
  }
}

/** Encodes what Kong's Lua can read. Throws a TypeError for a value that is not plain data. */
export function encode(value: unknown): Buffer {
  return checked(value, packr.pack(value), 0);
}

// msgpackr takes the room to leave in front as the low byte of its options.
const mostRoom = 255;

/** The value's bytes behind those of `head`, in one piece and without a second copy. */
export function encodeBehind(head: Buffer, value: unknown): Buffer {
  if (head.length > mostRoom) return Buffer.concat([head, encode(value)]);
  const bytes = checked(value, packr.pack(value, RESERVE_START_SPACE | head.length), head.length);
  bytes.set(head);
  return bytes;
}

let walker = new MessageWalker();

/** Where the value ends that starts here; -1 when it is nothing that Kong writes. */
function endOfValue(bytes: Uint8Array, start: number): number {
  let end = -1;
  try {
    end = walker.walk(bytes, start);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
  }
  // A walker that has not come to an end would go on there.
  if (end < 0) walker = new MessageWalker();
  return end;
}

// What is not plain, msgpackr writes as extension types.
function checked(value: unknown, bytes: Buffer, start: number): Buffer {
  if (isScalar(value) || (Array.isArray(value) && value.every(isScalar))) return bytes;
  if (endOfValue(bytes, start) === bytes.length) return bytes;
  throw new TypeError("only plain data can go to Kong, no Date");
}

function isScalar(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}
