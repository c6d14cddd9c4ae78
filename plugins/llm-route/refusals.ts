// What a client is answered whose request no model of a choice can serve, or who wishes for a tier that
// there is not.

import { type Answer, refuse } from "../../stages/exchange";
import type { WhyNot } from "./candidates";

/**
 * No candidate of the choice can do what the request asks for: its length, its tools or pictures, its
 * API.
 * @param lacking what keeps the first of its tier from it
 */
export function noneCan(requested: string, lacking: WhyNot | undefined): Answer {
  const message = `No model of ${JSON.stringify(requested.slice(0, 200))} can serve this request (${lacking ?? "none of its tier"}): make it shorter, ask for less, or name a model.`;
  const error = { message, type: "invalid_request_error", param: "model", code: "no_model_can" };
  return refuse(400, error);
}

/** The client may wish for a tier, and names one that there is not. */
export function noSuchTier(wished: string, tiers: string[]): Answer {
  const message = `There is no tier ${JSON.stringify(wished.slice(0, 40))}: wish for one of ${tiers.join(", ")}.`;
  const error = { message, type: "invalid_request_error", param: "llm_tier", code: null };
  return refuse(400, error);
}
