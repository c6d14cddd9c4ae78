// The shape in which a caller reads a refusal: stages speak OpenAI's, and a client of Anthropic's API gets
// its own. lua/present.lua tells the two apart alike, for what Kong answers by itself.

import { familyOfCaller } from "../families/endpoint";
import type { Answer, GatheredRequest } from "../stages/exchange";

/** The answer as this caller reads it. */
export function inShapeOf(request: GatheredRequest, answer: Answer): Answer {
  const { error, status } = answer;
  if (!error) return answer;
  const { errorBody, requestIdHeader } = familyOfCaller(request.path, request.anthropic_version);
  const headers = { ...answer.headers, [requestIdHeader]: request.id };
  return { ...answer, headers, body: errorBody(status, error, request.id) };
}
