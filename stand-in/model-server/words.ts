// What the stand-in model says to a question, in every API: the question, after the model's name.

import type { Behaviour } from "./behaviour";

// Long, so that a stream of a big answer does not become a chunk for every few bytes.
const bigWord = `${"w".repeat(63)} `;

/** The words of an answer, each with the space before it. */
export function wordsFor(model: string, question: string, { answerBytes }: Behaviour): string[] {
  const text =
    answerBytes === undefined
      ? `${model} heard: ${question}`
      : `${bigWord.repeat(Math.ceil(answerBytes / bigWord.length)).slice(0, answerBytes - 1)}.`;
  return text.match(/\s*\S+/g) ?? [];
}
