// What the answer of an ended request is, read once for all stages that ask.

import { familyOf } from "../families/endpoint";
import type { KeptAnswer } from "../families/family";
import type { AnswerFinding } from "../models/answer-finding";
import type { Outcome } from "./outcome";

const found = new WeakMap<Outcome, AnswerFinding>();

/** Undefined for what did not come from the upstream with a status of success. */
export function answerOfOutcome(outcome: Outcome): AnswerFinding | undefined {
  const { ticket, source, status } = outcome;
  if (source !== "service" || status < 200 || status > 299) return undefined;
  const known = found.get(outcome) ?? familyOf(ticket.endpoint).findingOf(keptAnswer(outcome));
  found.set(outcome, known);
  return known;
}

/** The answer as the families read it. */
export function keptAnswer({ ticket, content_type, body, truncated }: Outcome): KeptAnswer {
  return { endpoint: ticket.endpoint, contentType: content_type, body, truncated };
}
