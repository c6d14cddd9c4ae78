// What an answer with a status of success is, in one form for every API: errors and half answers come with
// 200 too. What is none is not kept, not billed, and counts as a failure.

export interface AnswerFinding {
  /**
   * `empty`: nothing was said; `cut`: it ends before its end; `later`: its work is still to be done
   * (a background response); `paused`: whole, and goes on when the client sends it back, so a replay
   * is of no use; all of it `whole`, as far as can be told.
   */
  state: "whole" | "paused" | "error" | "empty" | "cut" | "later";
  /** An error, or an empty answer, that is about the request: it says nothing about the model. */
  isClientsMistake?: boolean;
  /** It has its end, and no choice says why: relays put one behind what was cut. Billed, and not kept. */
  isUnfinished?: boolean;
}
