// The bytes in which lua/ask.lua asks and is answered: u32 length of all that follows (big endian), a
// letter for its kind, then sections, each behind its own u32 length. What comes is not trusted.

/** The peer of the ask socket does not write this format. */
export class AskFrameError extends Error {}

/**
 * Of the driver: `Q` asks about a request: JSON of its id and of when it is asked, JSON of the question, JSON
 * of the decision before and its ticket (both empty for the first plugin), the body. `C` tells a config: JSON
 * about it, the config as JSON.
 */
export type AskKind = "Q" | "C";

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

export interface AskLimits {
  /** Largest frame in bytes. */
  maxBytes: number;
}

export const defaultAskLimits: AskLimits = { maxBytes: 64 * 1024 * 1024 };

const mostSections = 8;
// A length may say what it likes: no more memory is taken than twice what has come, or this.
const firstBytes = 1024 * 1024;

/** Cuts one connection's stream into frames: each is copied once, so that chunks need not last. */
export class AskSplitter {
  readonly #head = Buffer.alloc(4);
  #headBytes = 0;
  /** A frame that has begun, without its length; how much of it has come, and how long it will be. */
  #frame: Buffer | undefined;
  #bytes = 0;
  #wanted = 0;

  constructor(readonly limits: AskLimits = defaultAskLimits) {}

  /** Some bytes of an unfinished frame are held. */
  get unfinished(): boolean {
    return this.#headBytes > 0 || this.#frame !== undefined;
  }

  /** Takes the next bytes and hands over every frame that they complete. Throws an AskFrameError. */
  push(chunk: Buffer, take: (frame: AskFrame) => void): void {
    for (let at = 0; at < chunk.length; ) {
      const frame = this.#frame;
      if (!frame) {
        at += this.#takeHead(chunk, at);
        continue;
      }
      const copied = chunk.copy(frame, this.#bytes, at);
      at += copied;
      this.#bytes += copied;
      if (this.#bytes < frame.length) return;
      this.#frame = this.#bytes < this.#wanted ? this.#larger(frame) : undefined;
      if (!this.#frame) take(frameIn(frame));
    }
  }

  /** @returns how many bytes of it there were */
  #takeHead(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#head, this.#headBytes, at);
    this.#headBytes += copied;
    if (this.#headBytes < this.#head.length) return copied;
    this.#headBytes = 0;
    this.#bytes = 0;
    this.#wanted = this.#lengthIn(this.#head);
    this.#frame = Buffer.allocUnsafe(Math.min(this.#wanted, firstBytes));
    return copied;
  }

  #larger(frame: Buffer): Buffer {
    const larger = Buffer.allocUnsafe(Math.min(this.#wanted, 2 * frame.length));
    frame.copy(larger);
    return larger;
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
  const lengths = sections.map((section) =>
    typeof section === "string" ? Buffer.byteLength(section) : section.length,
  );
  const length = lengths.reduce((sum, one) => sum + 4 + one, 1);
  const bytes = Buffer.allocUnsafe(4 + length);
  bytes.writeUInt32BE(length, 0);
  bytes.write(kind, 4, "latin1");
  let at = 5;
  for (const [n, section] of sections.entries()) {
    bytes.writeUInt32BE(lengths[n]!, at);
    if (typeof section === "string") bytes.write(section, at + 4);
    else section.copy(bytes, at + 4);
    at += 4 + lengths[n]!;
  }
  return bytes;
}
