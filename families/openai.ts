// OpenAI's API, and all that speak it, by the contract of family.ts.

import { noUsage } from "../models/usage";
import { findingOf } from "../openai/answer";
import { askedOf } from "../openai/asked";
import { tierAsked, unitsAsked } from "../openai/asked-units";
import { endpoints, rowOf } from "../openai/endpoint";
import { errorBody } from "../openai/error";
import { estimateInputTokens, mostInputTokens, outputTokens } from "../openai/estimate";
import { modelEntry, modelsList } from "../openai/models-list";
import { answersAsked, boundOutput, membersOf, outputBound } from "../openai/output-bound";
import { opensModels, otherModels } from "../openai/request-models";
import { dependsOnState } from "../openai/request-state";
import { endsItself } from "../openai/stream";
import { standsForModel } from "../openai/unnamed-model";
import { statementIn } from "../openai/usage";
import { askForUsage } from "../openai/usage-chunk";
import { usageBy } from "../openai/usage-statement";
import type { Family, KeptAnswer, UsageReading } from "./family";

// Responses take no lower bound, and fewer say nothing.
const leastOutputTokens = 16;

export const openai: Family = {
  name: "openai",
  endpoints,

  estimateInputTokens,
  mostInputTokens,
  boundMembers: membersOf,
  outputBound,
  leastOutputBound: () => leastOutputTokens,
  boundOutput,
  answersAsked,
  unitsAsked,
  tierAsked,
  modelsBeside: otherModels,
  standsForModel,
  askedOf,
  opensModels,
  askForUsage,
  dependsOnState,
  marks: new Map(),
  missingHeaders: () => ({}),
  refusesSamplers: () => false,
  keyPlace: { header: "authorization", prefix: "Bearer " },

  usageOf,
  seenTokens: ({ contentType, body, truncated }) => outputTokens(contentType, body, truncated),
  findingOf: ({ endpoint, contentType, body, truncated }) =>
    findingOf(endpoint, contentType, body, truncated),
  endsItself,

  errorBody: (_status, refusal) => errorBody(refusal),
  requestIdHeader: "x-request-id",
  listBody: modelsList,
  modelBody: modelEntry,
};

function usageOf({ endpoint, contentType, body, truncated }: KeptAnswer): UsageReading {
  const statement = statementIn(endpoint, contentType, body, truncated);
  const { counts, bounded } = rowOf(endpoint) ?? {};
  const hasOutput = !bounded || (statement?.output ?? 0) > 0;
  return {
    isComplete: statement?.input !== undefined && hasOutput,
    isSilent: statement === undefined,
    with(inputTokens, seen) {
      if (statement) return usageBy(statement, inputTokens, seen);
      // What is counted by other things than tokens states tokens where it has some; it was served,
      // so its price is not nothing by that.
      if (counts !== "tokens" && counts !== "seconds") return { ...noUsage };
      return { ...noUsage, input_tokens: inputTokens, output_tokens: seen, estimated: true };
    },
  };
}
