// The bytes in which lua/ask.lua asks and is answered: u32 length of all that follows (big endian), a
// letter for its kind, then sections, each behind its own u32 length. What comes is not trusted.

import { Held } from "./held";

/** The peer of the ask socket does not write this format. */
export class AskFrameError extends Error {}

/**
 * Of the driver: `Q` asks about a request: JSON of its id and of when it is asked, JSON of the question, JSON
 * of the decision before and its ticket (both empty for the first plugin), the body. `C` tells a config: JSON
 * about it, the config as JSON.
 */
type AskKind = "Q" | "C";

/**
 * Of the server: `D` decides: the request's id, JSON for carry-out.lua, the ticket. `A` answers instead
 * of the upstream: the id, JSON of status and headers, the body. Both JSONs and the ticket have the id as
 * their last member: lua/ask.lua says why. `N` says what the stages need under a
 * config. `U`: the config is not known. `W`: still deciding, another frame follows. `E`: this cannot be
 * done, why, and `config` where it is the config that is refused.
 */
export type AnswerKind = "D" | "A" | "N" | "U" | "W" | "E";

export interface AskFrame {
  kind: AskKind;
  sections: Buffer[];
}

interface AskLimits {
  /** Largest frame in bytes. */
  maxBytes: number;
}

const defaultAskLimits: AskLimits = { maxBytes: 64 * 1024 * 1024 };

const mostSections = 8;

/** Cuts one connection's stream into frames: each is copied once, so that chunks need not last. */
export class AskSplitter {
  readonly #head = Buffer.alloc(4);
  #headBytes = 0;
  /** Length of the frame that has begun, behind its head; 0 where none has. */
  #wanted = 0;
  readonly #held = new Held();

  constructor(readonly limits: AskLimits = defaultAskLimits) {}

  /** Takes the next bytes and hands over every frame that they complete. Throws an AskFrameError. */
  push(chunk: Buffer, take: (frame: AskFrame) => void): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#wanted === 0) {
        at += this.#takeHead(chunk, at);
        continue;
      }
      const piece = chunk.subarray(at, at + this.#wanted - this.#held.length);
      at += piece.length;
      const frame = this.#completed(piece);
      if (!frame) return;
      this.#wanted = 0;
      take(frameIn(frame));
    }
  }

  /** @returns how many bytes of it there were */
  #takeHead(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#head, this.#headBytes, at);
    this.#headBytes += copied;
    if (this.#headBytes < this.#head.length) return copied;
    this.#headBytes = 0;
    this.#wanted = this.#lengthIn(this.#head);
    return copied;
  }

  /** The frame's bytes, where this piece completes them. */
  #completed(piece: Buffer): Buffer | undefined {
    if (piece.length === this.#wanted) return Buffer.from(piece);
    const missing = this.#wanted - this.#held.length - piece.length;
    this.#held.add(piece, missing);
    return missing > 0 ? undefined : this.#held.release();
  }

  #lengthIn(bytes: Buffer): number {
    const length = bytes.readUInt32BE(0);
    if (length > this.limits.maxBytes) {
      throw new AskFrameError(`a frame is longer than ${this.limits.maxBytes} bytes`);
    }
    if (length === 0) throw new AskFrameError("a frame is empty");
    return length;
  }
}

function frameIn(bytes: Buffer): AskFrame {
  const kind = String.fromCharCode(bytes[0]!);
  if (kind !== "Q" && kind !== "C") throw new AskFrameError("a frame is of no known kind");
  const sections: Buffer[] = [];
  for (let at = 1; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw new AskFrameError("a length is cut off");
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new AskFrameError("a section goes beyond its frame");
    if (sections.length === mostSections) throw new AskFrameError("a frame has too many sections");
    sections.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return { kind, sections };
}

/** The bytes of an answer. */
export function answerFrame(kind: AnswerKind, ...sections: (string | Buffer)[]): Buffer {
  let length = 1;
  for (const section of sections) length += 4 + Buffer.byteLength(section);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32BE(length, 0);
  bytes.write(kind, 4, "latin1");
  let at = 5;
  for (const section of sections) {
    const start = at + 4;
    const written =
      typeof section === "string" ? bytes.write(section, start) : section.copy(bytes, start);
    bytes.writeUInt32BE(written, at);
    at = start + written;
  }
  return bytes;
}
