// What all nodes know together, as one of them sees it: a request renews what is a second old, so the
// requests of a second cost one round trip together. While Redis does not answer, a node goes on by itself.

import { RedisUnavailable } from "../redis/connection";

/** What is no older is not looked at again, and need not be told more often. */
export const freshMs = 1000;

export class SharedView {
  // By the names that were looked at together; there are as many as kinds of requests.
  private readonly seenAt = new Map<string, number>();
  private readonly looking = new Map<string, Promise<void>>();

  /**
   * @param look asks about these names and takes over what is known; may reject with RedisUnavailable
   * @param now in milliseconds since the epoch
   */
  constructor(
    private readonly look: (names: readonly string[]) => Promise<void>,
    private readonly now: () => number = () => Date.now(),
  ) {}

  /** Ends when what is known of these is no second old, or Redis has not answered; undefined where it is so. */
  renew(names: readonly string[]): Promise<void> | undefined {
    const together = [...names].sort().join("\n");
    if (this.now() - (this.seenAt.get(together) ?? 0) < freshMs) return undefined;
    const looking = this.looking.get(together) ?? this.lookAt(together, names);
    this.looking.set(together, looking);
    return looking;
  }

  /** The next request looks again, whatever was seen within the second. */
  forget(): void {
    this.seenAt.clear();
  }

  private async lookAt(together: string, names: readonly string[]): Promise<void> {
    try {
      await ifUp(this.look(names));
    } finally {
      this.seenAt.set(together, this.now());
      this.looking.delete(together);
    }
  }
}

/** Undefined where Redis does not answer: then this node decides alone. */
export async function ifUp<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RedisUnavailable) return undefined;
    throw error;
  }
}
