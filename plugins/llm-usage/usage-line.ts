// The usage line: one line of JSON for each request on standard output, for bills and questions
// afterwards. Every line has all members; null says "not known" or "there was none".

import { servedTier } from "../../stages/choice";
import type { Outcome } from "../../stages/outcome";
import type { CacheStatus } from "../../stages/ticket";
import type { Account } from "./account";

/** No prompt, no answer and no key is in here, and none may be added. */
export interface UsageLine {
  /** When the answer ended, as an ISO 8601 date in UTC. */
  time: string;
  /** What the client sees as X-Kong-Request-Id. */
  request_id: string;
  consumer: string | null;
  route: string | null;
  endpoint: string;
  requested_model: string | null;
  model: string | null;
  /** Where the options name several. */
  provider: string | null;
  /** The model that was left because it cools down, has no room or failed; `model` served instead. */
  fallback_from: string | null;
  /** Of a choice among models: the tier that served, and why; in a dry run the one that would have. */
  tier: string | null;
  tier_reason: string | null;
  /** How often it was sent to an upstream; null where it was to none. */
  tries: number | null;
  status: number;
  source: Outcome["source"];
  /** What the client said that it is for; empty where the options ask for nothing. */
  tags: Readonly<Record<string, string>>;
  /** How often personal data was found in the request, by what recognised it. */
  personal_data: Readonly<Record<string, number>>;
  cache: CacheStatus | null;
  stream: boolean;
  /** What the rate limit decided, and which limit refused, as in "tokens per minute". */
  limit: string | null;
  limited_by: string | null;
  /** The budget of which so much is used that a cheaper model serves, as in "cost_usd per month of team". */
  moved_by: string | null;
  /** False: the answer was cut; by whom, says the next member. */
  complete: boolean;
  cut_by: Outcome["cut_by"] | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cached_input_tokens: number | null;
  /** Part of the input that was written to the upstream's prompt cache, for however long. */
  cache_write_tokens: number | null;
  reasoning_tokens: number | null;
  estimated: boolean;
  cost_usd: number | null;
  /** What a hit would have cost upstream. */
  saved_usd: number | null;
  duration_ms: number;
  time_to_first_byte_ms: number;
}

const noTags = {};
const nothingFound = {};

export function usageLine(
  outcome: Outcome,
  account: Account,
  tags: UsageLine["tags"] = noTags,
): UsageLine {
  const { ticket, started_at, first_byte_at, ended_at } = outcome;
  const { usage } = account;
  const chosen = servedTier(ticket);
  return {
    time: new Date(ended_at).toISOString(),
    request_id: ticket.id,
    consumer: ticket.consumer ?? null,
    route: ticket.route ?? null,
    endpoint: ticket.endpoint,
    requested_model: account.requested_model ?? null,
    model: account.model ?? null,
    provider: ticket.provider ?? null,
    fallback_from: ticket.model?.fallback_from ?? null,
    tier: chosen?.tier ?? null,
    tier_reason: chosen?.reason ?? null,
    tries: wentUpstream(outcome) ? 1 + (outcome.failed_tries?.length ?? 0) : null,
    status: outcome.status,
    source: outcome.source,
    tags,
    personal_data: ticket.personal_data ?? nothingFound,
    cache: ticket.cache ?? null,
    stream: ticket.stream,
    limit: ticket.limit?.decision ?? null,
    limited_by: ticket.limit?.by ?? null,
    moved_by: ticket.limit?.moved_by ?? null,
    complete: outcome.complete,
    cut_by: outcome.cut_by ?? null,
    input_tokens: usage?.input_tokens ?? null,
    output_tokens: usage?.output_tokens ?? null,
    cached_input_tokens: usage?.cached_input_tokens ?? null,
    cache_write_tokens: usage ? usage.cache_write_tokens + usage.cache_write_1h_tokens : null,
    reasoning_tokens: usage?.reasoning_tokens ?? null,
    estimated: usage?.estimated ?? false,
    cost_usd: account.cost_usd ?? null,
    saved_usd: account.saved_usd ?? null,
    duration_ms: Math.max(0, ended_at - started_at),
    time_to_first_byte_ms: Math.max(0, first_byte_at - started_at),
  };
}

function wentUpstream({ source }: Outcome): boolean {
  return source === "service" || source === "error";
}
