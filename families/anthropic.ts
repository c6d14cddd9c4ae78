// Anthropic's Messages API by the contract of family.ts.

import { findingOf } from "../anthropic/answer";
import { askedOf } from "../anthropic/asked";
import { defaultVersion, endpoints, firstWithoutSamplers } from "../anthropic/endpoint";
import { errorBody } from "../anthropic/error";
import { estimateInputTokens, mostInputTokens, outputTokens } from "../anthropic/estimate";
import { limitHeaders } from "../anthropic/limit-headers";
import { modelEntry, modelsList } from "../anthropic/models-list";
import { boundOutput, leastOutputBound, membersOf, outputBound } from "../anthropic/output-bound";
import { opensModels, otherModels } from "../anthropic/request-models";
import { dependsOnState } from "../anthropic/request-state";
import { endsItself } from "../anthropic/stream";
import { startUsageOf, usageFrom, usageOf as usageIn } from "../anthropic/usage";
import { noUsage, type Usage } from "../models/usage";
import { bodyFormOf } from "../openai/answer-form";
import type { Family, KeptAnswer, UsageReading } from "./family";

const noHeaders: Record<string, string> = {};
const ofDefaultVersion = { "anthropic-version": defaultVersion };

export const anthropic: Family = {
  name: "anthropic",
  endpoints,

  estimateInputTokens,
  mostInputTokens,
  boundMembers: membersOf,
  outputBound,
  leastOutputBound,
  boundOutput,
  // There is one answer for each request, and nothing is counted but tokens.
  answersAsked: () => 1,
  unitsAsked: () => ({}),
  // https://platform.claude.com/docs/en/build-with-claude/fast-mode, .../data-residency; no other can be.
  tierAsked: ({ speed, inference_geo: place }) =>
    speed === "fast" ? speed : place === "us" ? place : undefined,
  modelsBeside: otherModels,
  standsForModel: () => undefined,
  askedOf,
  opensModels,
  // Every stream states its usage.
  askForUsage: () => false,
  dependsOnState,
  // Where the upstream's prompt cache begins and ends.
  marks: new Map([["cache_control", /^(?:null|\{(?:"ttl":"\w+",)?"type":"ephemeral"\})$/]]),
  missingHeaders: (version) => (version ? noHeaders : ofDefaultVersion),
  refusesSamplers: (version) => version !== undefined && version >= firstWithoutSamplers,
  keyPlace: { header: "x-api-key", prefix: "" },

  usageOf,
  seenTokens: (answer) => outputTokens(typeOf(answer), answer.body),
  findingOf: (answer) => findingOf(answer.endpoint, typeOf(answer), answer.body, answer.truncated),
  endsItself,

  errorBody,
  requestIdHeader: "request-id",
  listBody: modelsList,
  modelBody: modelEntry,
  limitHeaders,
};

function usageOf(answer: KeptAnswer): UsageReading {
  const { endpoint, body, truncated } = answer;
  const contentType = typeOf(answer);
  const stated = usageIn(endpoint, contentType, body, truncated);
  if (stated) {
    const { input_tokens, output_tokens } = stated;
    return {
      isComplete: stated === noUsage || (input_tokens > 0 && output_tokens > 0),
      isSilent: stated !== noUsage && input_tokens + output_tokens === 0,
      with: (input, seen) => filled(stated, input, seen),
    };
  }
  // What message_start says of the input is exact, also of a stream that was cut.
  const begun = bodyFormOf(contentType, body) === "stream" && usageFrom(startUsageOf(body));
  return {
    isComplete: false,
    isSilent: !begun,
    with: (input, seen) => ({
      ...(begun ? filled(begun, input, seen) : { ...noUsage, input_tokens: input }),
      output_tokens: seen,
      estimated: true,
    }),
  };
}

/**
 * The beginning of a long stream may be missing, and the input with it; and zero stands for "not counted"
 * with some relays: no prompt has none, and no answer in which something is said.
 */
function filled(stated: Usage, inputTokens: number, seen: number): Usage {
  if (stated === noUsage) return stated;
  const input_tokens = stated.input_tokens || inputTokens;
  const output_tokens = stated.output_tokens || seen;
  const isSame = input_tokens === stated.input_tokens && output_tokens === stated.output_tokens;
  return isSame ? stated : { ...stated, input_tokens, output_tokens, estimated: true };
}

/** What the body is, where an upstream names no type, or a wrong one. */
function typeOf({ contentType, body }: KeptAnswer): string {
  const form = bodyFormOf(contentType, body);
  if (form === undefined) return contentType;
  return form === "stream" ? "text/event-stream" : "application/json";
}
