// What the answer of an ended request is, read once for all stages that ask.

import { type AnswerFinding, findingOf } from "../openai/answer";
import type { Outcome } from "./outcome";

const found = new WeakMap<Outcome, AnswerFinding>();

/** Undefined for what did not come from the upstream with a status of success. */
export function answerOfOutcome(outcome: Outcome): AnswerFinding | undefined {
  const { ticket, source, status, content_type, body, truncated } = outcome;
  if (source !== "service" || status < 200 || status > 299) return undefined;
  const known = found.get(outcome) ?? findingOf(ticket.endpoint, content_type, body, truncated);
  found.set(outcome, known);
  return known;
}
