// What has come of a message that comes in pieces, until it is whole.

// What a peer announces and never sends takes no more of our memory than this.
const mostInAdvance = 1024 * 1024;
const nothing = Buffer.alloc(0);

/** All pieces in one place: copied once if the length was announced early. */
export class Held {
  #bytes = nothing;
  length = 0;

  /** Keeps a copy of the piece; so many bytes are known to follow it. */
  add(piece: Uint8Array, announced: number): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const room = Math.max(length, Math.min(announced, mostInAdvance));
      const grown = Buffer.allocUnsafeSlow(length + room);
      grown.set(this.#bytes.subarray(0, this.length));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.length);
    this.length = length;
  }

  release(): Buffer {
    const whole = this.#bytes.subarray(0, this.length);
    this.#bytes = nothing;
    this.length = 0;
    return whole;
  }
}
