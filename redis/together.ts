// Questions of one kind that are asked within one turn of the event loop, put to Redis in one script:
// what a command costs its client and the server, most of it is the same for one question and for many.

import { atEndOfTurn } from "./one-write";

/** Few enough to be answered in a moment: nobody else is served by Redis meanwhile. */
const mostTogether = 50;

interface Waiting<Question, Reply> {
  question: Question;
  answered(reply: Reply): void;
  failed(reason: unknown): void;
}

/**
 * @param ask puts questions, and settles with their replies in the same order; where it rejects, so does
 *   each of them
 * @returns puts one question, with all that others put in the same turn
 */
export function together<Question, Reply>(
  ask: (questions: Question[]) => Promise<Reply[]>,
): (question: Question) => Promise<Reply> {
  let waiting: Waiting<Question, Reply>[] = [];
  const askAll = () => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += mostTogether) {
      void settle(ask, all.slice(at, at + mostTogether));
    }
  };
  return (question) =>
    new Promise((answered, failed) => {
      if (waiting.push({ question, answered, failed }) === 1) atEndOfTurn(askAll);
    });
}

async function settle<Question, Reply>(
  ask: (questions: Question[]) => Promise<Reply[]>,
  some: Waiting<Question, Reply>[],
): Promise<void> {
  try {
    const replies = await ask(some.map(({ question }) => question));
    for (let i = 0; i < some.length; i++) some[i]!.answered(replies[i]!);
  } catch (error) {
    for (const { failed } of some) failed(error);
  }
}
