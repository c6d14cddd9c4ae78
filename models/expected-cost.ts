// How long an answer is expected to be that nobody has seen yet, for who compares models by what they are
// likely to cost: a choice among models, and the targets of an alias.

/** How long answers are expected to be, in tokens. */
export interface ExpectedTokens {
  output: number;
  /** What a model that thinks before it answers adds to that. */
  thinking: number;
}

/** Where nobody says otherwise. */
export const usuallyExpected: ExpectedTokens = { output: 400, thinking: 600 };

/**
 * Tokens of all answers to a request.
 * @param bound of each answer, as the client sets it
 */
export function expectedOutput(
  { output, thinking }: ExpectedTokens,
  asked: { thinks: boolean; bound: number | undefined; answers: number },
): number {
  const { thinks, bound = Number.POSITIVE_INFINITY, answers } = asked;
  return Math.min(thinks ? output + thinking : output, bound) * answers;
}
