// What a client is told whose body names no model, or bounds its answer by what is no number.

import { type Answer, refuse } from "../../stages/exchange";

export const notTokens = "is not a number of tokens: give a whole number, or leave it out.";

export function badModel(value: unknown, unnamed?: string): Answer {
  const problem = value === undefined ? "is missing" : "is not a model's name";
  const reason = unnamed === undefined ? "" : `, and nobody here can tell what ${unnamed} is`;
  const todo = "give the name of a model as a string; GET /v1/models lists them.";
  return badMember("model", `${problem}${reason}: ${todo}`);
}

/** The body names no model, or bounds its answer by what is no number. */
export function badMember(param: string, problem: string): Answer {
  const message = `The member "${param}" ${problem}`;
  return refuse(400, { message, type: "invalid_request_error", param, code: null });
}
