// Whether a request asks its model to think before it answers, and how far: each vendor has a member
// of its own for it.

import type { RequestBody } from "./request-body";

type Fields = Readonly<Record<string, unknown>>;

/** Members that say how a model shall think. */
export const thinkingMembers = ["thinking", "reasoning", "thinking_budget"] as const;

/** Where a budget of thoughts stands: Anthropic, OpenRouter, Alibaba. */
const budgets = [
  ["thinking", "budget_tokens"],
  ["reasoning", "max_tokens"],
  ["thinking_budget", undefined],
] as const;

// Anthropic refuses a lower one.
const leastBudget = 1024;

/** Whether the request itself turns thinking on. */
export function thinks(body: Fields): boolean {
  if (budgetOf(body) > 0 || body.enable_thinking === true) return true;
  const type = member(body.thinking, "type");
  if (type === "enabled" || type === "adaptive") return true;
  if (member(body.reasoning, "enabled") === true) return true;
  const template = body.chat_template_kwargs;
  if (member(template, "enable_thinking") === true || member(template, "thinking") === true) {
    return true;
  }
  const effort = body.reasoning_effort ?? member(body.reasoning, "effort");
  return typeof effort === "string" && effort !== "none";
}

/** The tokens that the request leaves for thoughts, a part of the answer's bound; 0: it names none. */
export function budgetOf(body: Fields): number {
  for (const [name, inner] of budgets) {
    const value = inner === undefined ? body[name] : member(body[name], inner);
    if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
  }
  return 0;
}

/**
 * Makes a budget of thoughts fit below a bound of the answer, as every API wants it: it gets half.
 * Where that is too little to think at all, the request does not think.
 */
export function fitBudget(body: RequestBody, bound: number): void {
  const half = Math.floor(bound / 2);
  for (const [name, inner] of budgets) {
    const given = body.get(name);
    const value = inner === undefined ? given : member(given, inner);
    if (typeof value !== "number" || value < bound) continue;
    if (half < leastBudget) body.remove(name);
    else body.set(name, inner === undefined ? half : { ...(given as object), [inner]: half });
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
