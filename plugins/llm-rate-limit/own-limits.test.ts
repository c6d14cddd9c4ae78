import { describe, expect, it } from "vitest";
import type { Exchange } from "../../stages/exchange";
import { prepareStage } from "../../stages/stage";
import { rateLimitOptions } from "./schema";
import { stage } from "./stage";

const exchange = (id: string, endpoint: string): Exchange => ({
  request: { id, method: "POST", path: "/v1/x", client_ip: "127.0.0.1" },
  consumer: { id: "c", username: "app", tags: ["team-x"] },
  body: undefined,
  upstreamHeaders: {},
  responseHeaders: {},
  ticket: { id, started_at: 0, method: "POST", endpoint, stream: false, stages: {} },
  keep: 0,
});

const limiter = (namespace: string, options: object) =>
  prepareStage(stage, rateLimitOptions.parse({ policy: "local", namespace, ...options }));

describe("llm-rate-limit › GET /v1/usage", () => {
  it("is told what is left of each limit of the caller, and when it comes back", async () => {
    const limits = limiter("told", {
      requests: { day: 10 },
      cost_usd: { month: 2.5 },
      concurrency: 3,
      models: [{ match: "gpt-4*", tokens: { minute: 100 } }],
      levels: [{ by: "consumer", requests: { hour: 7 } }],
    });
    await limits.decide(exchange("a", "other"));
    const told = await limits.tell(exchange("b", "usage"));
    expect(told.limits).toEqual([
      {
        ...{ of: "consumer", measure: "requests", window: "day", model: null },
        ...{ limit: 10, used: 1, remaining: 9, free_in_seconds: expect.any(Number) },
      },
      {
        ...{ of: "consumer", measure: "cost_usd", window: "month", model: null },
        ...{ limit: 2.5, used: 0, remaining: 2.5, free_in_seconds: 0 },
      },
      {
        ...{ of: "consumer", measure: "concurrency", window: "lease", model: null },
        ...{ limit: 3, used: 1, remaining: 2, free_in_seconds: null },
      },
      {
        ...{ of: "consumer", measure: "tokens", window: "minute", model: "gpt-4*" },
        ...{ limit: 100, used: 0, remaining: 100, free_in_seconds: 0 },
      },
      {
        ...{ of: "consumer", measure: "requests", window: "hour", model: null },
        ...{ limit: 7, used: 1, remaining: 6, free_in_seconds: expect.any(Number) },
      },
    ]);
    expect(await limits.tell(exchange("c", "usage"))).toEqual(told);
  });

  it("is not told what it shares with others", async () => {
    const shared = [
      { by: "everybody", requests: { day: 9 } },
      { by: "team", cost_usd: { day: 1 } },
    ];
    const limits = limiter("shared", { levels: shared });
    expect(await limits.tell(exchange("a", "usage"))).toEqual({ limits: [] });
  });

  it("is told nothing where clients shall not see limits", async () => {
    const limits = limiter("hidden", { requests: { day: 1 }, hide_client_headers: true });
    expect(await limits.tell(exchange("a", "usage"))).toEqual({});
  });
});
