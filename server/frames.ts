// Finds the ends of MessagePack messages in a byte stream. A message is walked once, byte strings
// are stepped over unseen, and only a complete one is decoded: the cost is linear in its size however
// it was cut. What Kong never writes (extension types, absurd nesting) ends the connection here.

import { Held } from "../kong/held";

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

const unlimited: FrameLimits = { maxBytes: Infinity, maxItems: Infinity };
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
export class MessageWalker {
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

  constructor(readonly limits: FrameLimits = unlimited) {
    this.#wanted[0] = 1;
  }

  /** Bytes that follow for certain when a message goes on. */
  get announced(): number {
    return this.#skip;
  }

  /** Where the message ends in this chunk of `length` bytes, or -1 when it goes on in the next. */
  walk(chunk: Uint8Array, start: number, length = chunk.length): number {
    let position = start;
    while (position < length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, length - position);
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

/** One message in `bytes`, from `start` to `end`. The bytes may be overwritten when this returns. */
export type TakeMessage = (bytes: Uint8Array, start: number, end: number) => void;

/** Cuts one connection's stream into messages. */
export class FrameSplitter {
  readonly #walker: MessageWalker;
  readonly #held = new Held();

  constructor(limits: FrameLimits = defaultLimits) {
    this.#walker = new MessageWalker(limits);
  }

  /** Some bytes of an unfinished message are held. */
  get unfinished(): boolean {
    return this.#held.length > 0;
  }

  /**
   * Takes the next bytes, the first `length` of the chunk, and hands over every message that they
   * complete, undecoded. Throws a FrameError when the stream cannot be followed any further.
   */
  push(chunk: Uint8Array, take: TakeMessage, length = chunk.length): void {
    let start = 0;
    while (start < length) {
      const end = this.#walker.walk(chunk, start, length);
      if (end < 0) {
        this.#held.add(chunk.subarray(start, length), this.#walker.announced);
      } else if (this.unfinished) {
        this.#held.add(chunk.subarray(start, end), 0);
        const whole = this.#held.release();
        take(whole, 0, whole.length);
      } else {
        take(chunk, start, end);
      }
      start = end < 0 ? length : end;
    }
  }
}
