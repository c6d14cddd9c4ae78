// What a store of answers does, wherever it is: how a request looks, what it finds, and what is kept.

/** A stored answer. */
export interface Entry {
  status: number;
  content_type: string;
  /** Milliseconds since the epoch. */
  stored_at: number;
  model: string;
  /** Whose request it was that got this answer; "" where nobody was known. */
  consumer: string;
  body: Buffer;
}

/** How a request looks. */
export interface Look {
  /** An entry counts where it was stored after this, in milliseconds since the epoch. */
  after: number;
  /** The id of the request. */
  id: string;
  /** For how many milliseconds it wants to lead where there is no entry; 0: it only looks. */
  leaseMs: number;
}

/** What it finds. `older`: there is an entry, but none that counts. */
export type Found =
  | { state: "entry"; entry: Entry }
  /** Equal requests that come now follow this one. */
  | { state: "leads"; older: boolean }
  /** Another request was the first; its lease ends in that many milliseconds at the latest. */
  | { state: "follows"; older: boolean; leader: string; leftMs: number }
  /** Nothing, or nothing that can be had now. */
  | { state: "none"; older: boolean };

export interface Answers {
  policy: "local" | "redis";
  /** In one step, so that of requests that look at once only one leads. */
  look(key: string, look: Look): Promise<Found>;
  /**
   * Keeps an entry for so many milliseconds, and ends the lease of that leader. An entry for which
   * there is no room is dropped.
   */
  keep(key: string, entry: Entry, ttlMs: number, leader?: string): Promise<void>;
  /** Ends the lease of a leader that brought no answer. */
  release(key: string, leader: string): Promise<void>;
}
