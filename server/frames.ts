// Finds the ends of MessagePack messages in a byte stream. A message is walked once, byte strings
// are stepped over unseen, and only a complete one is decoded: the cost is linear in its size however
// it was cut. What Kong never writes (extension types, absurd nesting) ends the connection here.

import { Packr, Unpackr } from "msgpackr";

/** The peer does not speak MessagePack as Kong does; nothing after it can be trusted. */
export class FrameError extends Error {}

export interface FrameLimits {
  /** Largest message in bytes. */
  maxBytes: number;
  /**
   * Most values in one message. A body of 10 MB is one value; 64 MiB of empty maps would be 64
   * million objects, a hundred times the memory of what was sent.
   */
  maxItems: number;
}

export const defaultLimits: FrameLimits = { maxBytes: 64 * 1024 * 1024, maxItems: 1_000_000 };

const maxDepth = 128;

type Counted = "bytes" | "items" | "pairs";

interface LongTag {
  /** Bytes that follow the tag and are the whole value. */
  payload?: number;
  /** Or: bytes of a length that follows the tag, and what that length counts. */
  length?: number;
  counts: Counted;
}

const refused: LongTag = { counts: "bytes" };
const payload = (bytes: number): LongTag => ({ payload: bytes, counts: "bytes" });
const length = (bytes: number, counts: Counted): LongTag => ({ length: bytes, counts });

// 0xc0 to 0xdf; https://github.com/msgpack/msgpack/blob/master/spec.md
const longTags: LongTag[] = [
  // nil, never used, false, true; byte strings
  ...[payload(0), refused, payload(0), payload(0)],
  ...[length(1, "bytes"), length(2, "bytes"), length(4, "bytes")],
  // extension types of a given length; floats
  ...[refused, refused, refused, payload(4), payload(8)],
  // unsigned and signed integers
  ...[payload(1), payload(2), payload(4), payload(8)],
  ...[payload(1), payload(2), payload(4), payload(8)],
  // extension types of a fixed length; text
  ...[refused, refused, refused, refused, refused],
  ...[length(1, "bytes"), length(2, "bytes"), length(4, "bytes")],
  // arrays; maps
  ...[length(2, "items"), length(4, "items"), length(2, "pairs"), length(4, "pairs")],
];

/** Walks the structure of one message at a time; resumable at any byte. */
class MessageWalker {
  // How many values the collections around the current position still want, outermost first.
  readonly #wanted = new Uint32Array(maxDepth + 1);
  #depth = 0;
  /** Bytes of a string or byte string still to be stepped over. */
  #skip = 0;
  /** Bytes of a length still to be read, what they make so far, and what that length counts. */
  #lengthBytes = 0;
  #length = 0;
  #counts: Counted = "bytes";
  #bytes = 0;
  #items = 0;

  constructor(readonly limits: FrameLimits) {
    this.#wanted[0] = 1;
  }

  /** Where the message ends in this chunk, or -1 when it goes on in the next. */
  walk(chunk: Uint8Array, start: number): number {
    let position = start;
    while (position < chunk.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - position);
        this.#skip -= step;
        position += step;
        if (this.#skip === 0) this.#valueEnds();
      } else if (this.#lengthBytes > 0) {
        this.#length = this.#length * 256 + chunk[position++]!;
        if (--this.#lengthBytes === 0) this.#open(this.#counts, this.#length);
      } else {
        this.#readTag(chunk[position++]!);
      }
      if (this.#wanted[0] === 0) {
        this.#checkSize(position - start);
        this.#begin();
        return position;
      }
    }
    this.#bytes += position - start;
    this.#checkSize(0);
    return -1;
  }

  #begin(): void {
    this.#wanted[0] = 1;
    this.#bytes = 0;
    this.#items = 0;
  }

  // Refuses a message by what it announces, before its bytes are kept.
  #checkSize(bytes: number): void {
    if (this.#bytes + bytes + this.#skip > this.limits.maxBytes) {
      throw new FrameError(`a message is longer than ${this.limits.maxBytes} bytes`);
    }
  }

  #readTag(tag: number): void {
    if (tag < 0x80 || tag >= 0xe0) this.#valueEnds();
    else if (tag < 0x90) this.#open("pairs", tag & 0x0f);
    else if (tag < 0xa0) this.#open("items", tag & 0x0f);
    else if (tag < 0xc0) this.#open("bytes", tag & 0x1f);
    else this.#readLongTag(tag);
  }

  #readLongTag(tag: number): void {
    const { payload, length, counts } = longTags[tag - 0xc0] ?? refused;
    if (payload !== undefined) {
      this.#open("bytes", payload);
    } else if (length !== undefined) {
      this.#counts = counts;
      this.#length = 0;
      this.#lengthBytes = length;
    } else {
      throw new FrameError(`a value starts with 0x${tag.toString(16)}, which Kong never writes`);
    }
  }

  #open(counts: Counted, length: number): void {
    if (length === 0) this.#valueEnds();
    else if (counts === "bytes") this.#skip = length;
    else this.#openCollection(counts, length);
  }

  #openCollection(counts: Counted, length: number): void {
    const wanted = counts === "pairs" ? length * 2 : length;
    this.#items += wanted;
    if (this.#items > this.limits.maxItems) {
      throw new FrameError(`a message has more than ${this.limits.maxItems} values`);
    }
    if (this.#depth === maxDepth) throw new FrameError(`a message nests over ${maxDepth} deep`);
    this.#wanted[++this.#depth] = wanted;
  }

  #valueEnds(): void {
    while (--this.#wanted[this.#depth]! === 0 && this.#depth > 0) this.#depth--;
  }
}

/** Cuts one connection's stream into messages. */
export class FrameSplitter {
  readonly #walker: MessageWalker;
  #held: Uint8Array[] = [];

  constructor(limits: FrameLimits = defaultLimits) {
    this.#walker = new MessageWalker(limits);
  }

  /** Some bytes of an unfinished message are held. */
  get unfinished(): boolean {
    return this.#held.length > 0;
  }

  /**
   * Takes the next bytes and hands over every message that they complete, undecoded. Throws a
   * FrameError when the stream cannot be followed any further.
   */
  push(chunk: Uint8Array, take: (message: Uint8Array) => void): void {
    let start = 0;
    while (start < chunk.length) {
      const end = this.#walker.walk(chunk, start);
      if (end < 0) {
        // The chunk's bytes may be overwritten once it is read: see shared-reading.ts.
        this.#held.push(Buffer.from(chunk.subarray(start)));
        return;
      }
      const whole = start === 0 && end === chunk.length;
      const part = whole ? chunk : chunk.subarray(start, end);
      start = end;
      take(this.#held.length > 0 ? this.#released(part) : part);
    }
  }

  #released(last: Uint8Array): Uint8Array {
    const parts = [...this.#held, last];
    this.#held = [];
    return Buffer.concat(parts);
  }
}

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

// Small messages are decoded from one place: msgpackr keeps a view of the bytes for each buffer that
// it sees, which costs more than this copy.
const small = Buffer.alloc(4096);
const smallRange = { start: 0, end: 0 };

/** Decodes one complete message: maps as objects, `bin` as Buffer, `str` as text. */
export function decode(message: Uint8Array): unknown {
  try {
    if (message.length > small.length) return unpackr.unpack(message);
    small.set(message);
    smallRange.end = message.length;
    return unpackr.unpack(small, smallRange);
  } catch {
    throw new FrameError("a message cannot be decoded");
  }
}

/** Encodes what Kong's Lua can read. Throws a TypeError for a value that is not plain data. */
export function encode(value: unknown): Buffer {
  const bytes = packr.pack(value);
  if (!isPlain(value, bytes)) throw new TypeError("only plain data can go to Kong, no Date");
  return bytes;
}

const unlimited: FrameLimits = { maxBytes: Infinity, maxItems: Infinity };
let ownWalker = new MessageWalker(unlimited);

// What is not plain, msgpackr writes as extension types, which Kong's Lua cannot read.
function isPlain(value: unknown, bytes: Uint8Array): boolean {
  if (isScalar(value) || (Array.isArray(value) && value.every(isScalar))) return true;
  try {
    return ownWalker.walk(bytes, 0) === bytes.length;
  } catch {
    ownWalker = new MessageWalker(unlimited);
    return false;
  }
}

function isScalar(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}
