// How a request bounds the length of its answer. The API requires the bound, thinking counts towards
// it, and there is one answer for each request.

/** What is read and set of a request body. */
interface Body {
  get(field: string): unknown;
  set(field: string, value: unknown): void;
}

const hasOutput = (endpoint: string) => endpoint === "messages";

/**
 * The bound in tokens that the request sets for its answer: the highest, where it names fallbacks with
 * bounds of their own. It may be 0, which fills the upstream's prompt cache and answers nothing.
 */
export function outputBound(endpoint: string, body: Pick<Body, "get">): number | undefined {
  const bound = hasOutput(endpoint) ? body.get("max_tokens") : undefined;
  if (!isCount(bound)) return undefined;
  return Math.max(bound, ...fallbacksOf(body).map(ownBound).filter(isCount));
}

/**
 * The lowest bound that leaves the request a good one: thinking has a budget that must be below
 * max_tokens, or the upstream refuses the request. Where it is not below as the client sent it, the
 * upstream has been asked to let thinking go on between calls of tools (interleaved-thinking), and
 * takes any bound. https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
export function leastOutputBound(endpoint: string, body: Pick<Body, "get">): number {
  const bound = outputBound(endpoint, body);
  const attempts = hasOutput(endpoint) ? [body.get("thinking"), ...fallbacksOf(body)] : [];
  const budgets = attempts
    .map(budgetOf)
    .filter((budget) => budget !== undefined && budget < (bound ?? Number.POSITIVE_INFINITY));
  return Math.max(Math.min(1, bound ?? 1), ...budgets.map((budget) => budget! + 1));
}

/**
 * Bounds the answer by so many tokens, where it is not bounded lower.
 * @returns false where that would be below `leastOutputBound`: nothing was changed, and the request
 * is to be refused instead
 */
export function boundOutput(endpoint: string, body: Body, tokens: number): boolean {
  if (!hasOutput(endpoint)) return true;
  const bound = outputBound(endpoint, body);
  if (bound !== undefined && bound <= tokens) return true;
  if (tokens < leastOutputBound(endpoint, body)) return false;
  if (!isBounded(body.get("max_tokens"), tokens)) body.set("max_tokens", tokens);
  const fallbacks = fallbacksOf(body);
  const bounded = fallbacks.map((one) => {
    const own = ownBound(one);
    return own === null || isBounded(own, tokens) ? one : { ...one, max_tokens: tokens };
  });
  if (bounded.some((one, at) => one !== fallbacks[at])) body.set("fallbacks", bounded);
  return true;
}

type Fallback = Readonly<Record<string, unknown>>;

/** The attempts at other models that the request asks the upstream for. */
function fallbacksOf(body: Pick<Body, "get">): Fallback[] {
  const fallbacks = body.get("fallbacks");
  return Array.isArray(fallbacks) ? fallbacks.map((one) => one ?? {}) : [];
}

/** What such an attempt sets in place of the request's max_tokens; null where it sets nothing. */
function ownBound({ max_tokens = null }: Fallback): unknown {
  return max_tokens;
}

/** The budget of a configuration of thinking, or of an attempt that has one. */
function budgetOf(value: unknown): number | undefined {
  const { thinking, type, budget_tokens } = (value ?? {}) as Fallback;
  if (thinking) return budgetOf(thinking);
  return type === "enabled" && isCount(budget_tokens) ? budget_tokens : undefined;
}

/** The members that bound an answer's length, the one to set first; none where it has no length. */
export function membersOf(endpoint: string): readonly string[] {
  return hasOutput(endpoint) ? ["max_tokens"] : [];
}

function isBounded(bound: unknown, tokens: number): boolean {
  return isCount(bound) && bound <= tokens;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
