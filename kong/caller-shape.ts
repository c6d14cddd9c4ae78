// The shape in which a caller reads a refusal: stages speak OpenAI's, and a client of Anthropic's API gets
// its own. lua/present.lua tells the two apart alike, for what Kong answers by itself.

import { errorBody } from "../anthropic/error";
import type { Answer, GatheredRequest } from "../stages/exchange";

/** The answer as this caller reads it. */
export function inShapeOf(request: GatheredRequest, answer: Answer): Answer {
  const { error, status } = answer;
  if (!error || !speaksAnthropic(request)) return answer;
  // Where its SDK looks for the id of a request.
  const headers = { ...answer.headers, "request-id": request.id };
  return { ...answer, headers, body: errorBody(status, error, request.id) };
}

function speaksAnthropic({ anthropic_version, path }: GatheredRequest): boolean {
  return anthropic_version !== undefined || path.includes("/messages");
}
