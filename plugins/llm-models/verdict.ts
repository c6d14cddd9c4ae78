// What the end of a request says about the model that got it.

import { asksTooMuch, refusesKey } from "../../openai/key-refusal";
import { lacksModel } from "../../openai/model-refusal";
import { type Outcome, retryAfterSeconds } from "../../stages/outcome";
import { answerOfOutcome } from "../../stages/outcome-answer";
import { usageOfOutcome } from "../../stages/outcome-usage";
import type { Failure } from "./cooldowns";
import type { ModelsOptions } from "./schema";

type CooldownOptions = ModelsOptions["cooldown"];

/** `nothing` where the model was not reached, or the answer is about the request, or about one of several keys. */
export type Verdict = "failed" | "served" | "nothing";

// Kong's own answers for an upstream that it cannot reach, or that does not answer in time.
const unreached = [502, 503, 504];

export function verdictOf(outcome: Outcome, { statuses }: CooldownOptions): Verdict {
  const { source, status, cut_by, ticket } = outcome;
  if (source === "error") return unreached.includes(status) ? "failed" : "nothing";
  if (source !== "service") return "nothing";
  if (asksTooMuch(status, outcome.body)) return "nothing";
  const isAboutKey = refusesKey(status, outcome.body);
  if (isAboutKey && ticket.other_key) return "nothing";
  // Nobody else can pay for it; of a 429, after which one waits, `statuses` says.
  const isKeyless = isAboutKey && status !== 429;
  const isServedByNobody =
    isKeyless || lacksModel(status, outcome.body, ticket.model?.served ?? "");
  if (isServedByNobody || statuses.includes(status) || cut_by === "upstream") return "failed";
  return status < 400 ? ofAnswer(outcome) : "nothing";
}

// An error that came with a good status says of the model what its own status would have.
function ofAnswer(outcome: Outcome): Verdict {
  const { state, isClientsMistake } = answerOfOutcome(outcome) ?? { state: "whole" };
  if (state === "error") return isClientsMistake ? "nothing" : "failed";
  // What a client cut says nothing more; an answer without a word that was paid for is one.
  if (state === "cut") return outcome.complete ? "failed" : "served";
  const isNothing = state === "empty" && !usageOfOutcome(outcome, 0)?.output_tokens;
  if (!isNothing || !outcome.complete) return "served";
  return isClientsMistake ? "nothing" : "failed";
}

// Clients that were told the same time come back just then: they shall find the fallback still in
// place, instead of being the request that probes.
const graceSeconds = 1;

/** How long a model shall cool after a failure: the upstream's own word goes before the options. */
export function failureOf(
  ended: Parameters<typeof retryAfterSeconds>[0],
  sentAt: number,
  { seconds, max_seconds }: CooldownOptions,
): Failure {
  const asked = retryAfterSeconds(ended) ?? 0;
  const cools = Math.min(asked > 0 ? asked + graceSeconds : seconds, max_seconds);
  return { sentAt, endedAt: ended.ended_at, coolMs: cools * 1000, atOnce: asked > 0 };
}
