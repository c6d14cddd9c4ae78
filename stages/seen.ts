// Remembers names that came lately, for who must not do a thing twice: half of what a cache costs, as
// nothing is put in order.

export class Seen {
  #young = new Set<string>();
  #old = new Set<string>();

  /** @param least how many of the latest names are remembered; up to twice as many are. */
  constructor(readonly least: number) {}

  /** Whether this name came lately; from now on it did. */
  isSeen(name: string): boolean {
    if (this.#young.has(name) || this.#old.has(name)) return true;
    this.#young.add(name);
    if (this.#young.size >= this.least) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    return false;
  }
}
