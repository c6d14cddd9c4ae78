// What a request asks of a model, in one form for every API: what a choice of the model reads. Parts of
// it are the texts as the client sent them; nothing is copied.

import type { Ability } from "./catalogue-form";

/** What a model must be able to do; `audio` is known of no model unless an operator says so. */
export type Need = Ability | "audio";

/** How far it shall think before it answers; undefined where the client says nothing of it. */
export type Effort = "low" | "medium" | "high";

export interface Asked {
  /** What the application says to the model before the user does: pieces of one text. */
  system: readonly string[];
  /** What the user says in each turn, the first one first; a turn may be in pieces, and has one. */
  turns: readonly (readonly string[])[];
  /** Tools that the model may call. */
  tools: number;
  needs: readonly Need[];
  effort: Effort | undefined;
  /**
   * The members of the request as they were when the conversation began: up to the first turn of the
   * user. The request's own members where it is that first turn.
   */
  opening: Readonly<Record<string, unknown>>;
}
