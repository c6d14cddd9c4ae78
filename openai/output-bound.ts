// How a request bounds the length of its answer: by which member, and for how many answers.

import type { Endpoint } from "./endpoint";
import type { RequestBody } from "./request-body";

type Body = Pick<RequestBody, "get" | "set">;

/** The members that bound an answer's length, by endpoint; the first is the one to set. */
const members: Partial<Record<Endpoint, readonly string[]>> = {
  "chat/completions": ["max_tokens", "max_completion_tokens"],
  completions: ["max_tokens"],
  responses: ["max_output_tokens"],
};

/** More answers than any API gives to one prompt. */
const mostAnswers = 1000;

/** The bound in tokens that the request sets for each answer, the highest of several. */
export function outputBound(endpoint: string, body: Pick<Body, "get">): number | undefined {
  const bounds = membersOf(endpoint)
    .map((member) => body.get(member))
    .filter((value): value is number => Number.isSafeInteger(value) && (value as number) > 0);
  return bounds.length === 0 ? undefined : Math.max(...bounds);
}

/** Bounds each answer by so many tokens: every member that bounds it higher, or the one to set. */
export function boundOutput(endpoint: string, body: Body, tokens: number): void {
  const names = membersOf(endpoint);
  const given = names.filter((member) => (body.get(member) ?? null) !== null);
  for (const member of given) {
    const value = body.get(member);
    const isBounded = typeof value === "number" && value >= 1 && value <= tokens;
    if (!isBounded) body.set(member, tokens);
  }
  if (given.length === 0 && names[0] !== undefined) body.set(names[0], tokens);
}

/**
 * How many answers the request makes the model write: `n`, or `best_of` of completions, to each prompt.
 * Some upstreams (vLLM) take a number that is written as text.
 */
export function answersAsked({ n, best_of, prompt }: RequestBody["value"]): number {
  const asked = [n, best_of].map((value) => {
    const count = typeof value === "string" ? Number(value) : value;
    return Number.isSafeInteger(count) && (count as number) > 0 ? (count as number) : 1;
  });
  return Math.min(mostAnswers, Math.max(...asked)) * promptsIn(prompt);
}

/** A list of numbers is one prompt, in tokens. */
function promptsIn(prompt: unknown): number {
  const isList = Array.isArray(prompt) && typeof prompt[0] !== "number";
  return isList ? Math.max(1, prompt.length) : 1;
}

/** The members that bound an answer's length, the one to set first; none where it has no length. */
export function membersOf(endpoint: string): readonly string[] {
  return members[endpoint as Endpoint] ?? [];
}
