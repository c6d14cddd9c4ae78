// What a client is told of its limits in Anthropic's dialect: anthropic-ratelimit-KIND-{limit,
// remaining,reset}, the reset as an RFC 3339 time. https://platform.claude.com/docs/en/api/rate-limits

const limitKinds = ["requests", "tokens", "input-tokens", "output-tokens"] as const;
type LimitKind = (typeof limitKinds)[number];

/** The tightest limit of a kind, as a client is told of it. */
interface ToldLimit {
  limit: number;
  remaining: number;
  /** Milliseconds from now until all of it is there again; infinite where it never is. */
  resetMs: number;
}

export type ToldLimits = Partial<Record<LimitKind, ToldLimit>>;

// Made once: names put together for each request would cost more than all else here.
const names = Object.fromEntries(
  limitKinds.map((kind) => {
    const prefix = `anthropic-ratelimit-${kind}`;
    return [
      kind,
      { limit: `${prefix}-limit`, remaining: `${prefix}-remaining`, reset: `${prefix}-reset` },
    ];
  }),
) as Record<LimitKind, { limit: string; remaining: string; reset: string }>;

/**
 * The headers of the limits that there are.
 * @param nowMs milliseconds since the epoch
 */
export function limitHeaders(limits: ToldLimits, nowMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const kind of limitKinds) {
    const state = limits[kind];
    if (!state) continue;
    headers[names[kind].limit] = String(state.limit);
    headers[names[kind].remaining] = String(Math.max(0, state.remaining));
    if (Number.isFinite(state.resetMs)) headers[names[kind].reset] = rfc3339(nowMs + state.resetMs);
  }
  return headers;
}

// Whole seconds, as Anthropic sends them, and not before the time.
function rfc3339(milliseconds: number): string {
  return new Date(Math.ceil(milliseconds / 1000) * 1000).toISOString().replace(".000Z", "Z");
}
