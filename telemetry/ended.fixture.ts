// A request that has ended well, for the tests of what is told of it.

import { noUsage } from "../models/usage";
import type { Outcome } from "../stages/outcome";
import type { Ended } from "./ended";

export interface Changes extends Partial<Omit<Ended, "outcome" | "account">> {
  outcome?: Partial<Omit<Outcome, "ticket">> & { ticket?: Partial<Outcome["ticket"]> };
  account?: Partial<Ended["account"]>;
}

export function ended({ outcome = {}, account = {}, ...changes }: Changes = {}): Ended {
  return {
    outcome: {
      status: 200,
      source: "service",
      content_type: "application/json",
      body: Buffer.from('{"model":"gpt-4.1-2025-04-14","choices":[{"message":{"content":"hi"}}]}'),
      complete: true,
      truncated: false,
      started_at: 1_764_172_800_000,
      first_byte_at: 1_764_172_800_250,
      ended_at: 1_764_172_802_000,
      ...outcome,
      ticket: {
        id: "0123",
        started_at: 1_764_172_800_000,
        method: "POST",
        endpoint: "chat/completions",
        stream: false,
        route: "llm",
        consumer: "team-a",
        stages: {},
        ...outcome.ticket,
      },
    },
    account: {
      requested_model: "gpt-4",
      model: "gpt-4.1",
      label: "gpt-4.1",
      usage: { ...noUsage, input_tokens: 1000, output_tokens: 500 },
      cost_usd: 0.006,
      saved_usd: undefined,
      ...account,
    },
    tags: {},
    service: "llm-upstream",
    trace: {},
    ...changes,
  };
}
