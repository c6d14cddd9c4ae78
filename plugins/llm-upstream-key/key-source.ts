// Where one key comes from: the config, or a file that is read again when it may have changed. What
// it holds is in a private field, so that neither logs nor dumps of this object can show it.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { log } from "../../stages/log";

const recheckMs = 1000;

export interface KeyOptions {
  value: string;
  file: string;
}

export class KeySource {
  #key: string | undefined;
  /** When one key last took another's place, in milliseconds since the epoch. */
  changedAt = 0;
  private readonly file: string | undefined;
  private checkedAt = Number.NEGATIVE_INFINITY;
  private problem = "";

  constructor(
    private readonly index: number,
    { value, file }: KeyOptions,
  ) {
    // A vault reference that cannot be resolved arrives as an empty string (Kong 3.9.3).
    this.file = value === "" && file !== "" ? file : undefined;
    if (this.file === undefined) this.#key = this.keyIn(value, "its value");
  }

  /** The key to use now; undefined when there is none. Reads the file at most once a second. */
  current(now: number): string | undefined {
    if (this.file !== undefined && now - this.checkedAt >= recheckMs) {
      this.checkedAt = now;
      this.readAgain(this.file, now);
    }
    return this.#key;
  }

  /**
   * Tells keys apart that stand at one place: on nodes with an older config, or with a file that was not
   * rotated yet. It is kept in a Redis, so it has 12 bits: too few to find a key by, even one that was made
   * up by hand, or to prove that a guess is right. That two keys have the same is one chance in 4,096.
   */
  mark(service: string): string | undefined {
    const key = this.#key;
    if (key === undefined) return undefined;
    const text = JSON.stringify([service, this.index, key]);
    return createHash("sha256").update(text).digest("hex").slice(0, 3);
  }

  // A file that is gone, or empty while it is written, leaves the key in use that was read before.
  private readAgain(file: string, now: number): void {
    const key = this.keyInFile(file);
    if (key === undefined || key === this.#key) return;
    if (this.#key !== undefined) this.changedAt = now;
    this.#key = key;
  }

  // Read whole each time instead of comparing times: a Kubernetes secret is replaced by turning a
  // symlink, and a file rewritten within the clock's tick looks unchanged.
  private keyInFile(file: string): string | undefined {
    try {
      return this.keyIn(readFileSync(file, "utf8"), "its file");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
      this.report(`its file cannot be read (${code})`);
      return undefined;
    }
  }

  private keyIn(text: string, where: string): string | undefined {
    const key = text.trim();
    if (/^[\x20-\x7e]+$/.test(key)) {
      this.problem = "";
      return key;
    }
    this.report(
      `${where} ${key === "" ? "is empty" : "holds characters that no header can carry"}`,
    );
    return undefined;
  }

  /** Says a problem once, until it is another one. */
  private report(problem: string): void {
    if (problem === this.problem) return;
    this.problem = problem;
    const consequence = this.#key === undefined ? "is not used" : "stays as it was";
    log.warn(
      { stage: "upstream_key", key: this.index, file: this.file },
      `upstream key ${this.index} ${consequence}: ${problem}`,
    );
  }
}
