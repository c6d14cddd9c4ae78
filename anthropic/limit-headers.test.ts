import { describe, expect, it } from "vitest";
import { limitHeaders } from "./limit-headers";

const now = Date.UTC(2026, 0, 31, 23, 59, 30, 500);

describe("limit-headers", () => {
  it("says each limit with the time at which it is whole again", () => {
    const requests = { limit: 50, remaining: 49, resetMs: 1000 };
    const inputTokens = { limit: 50_000, remaining: 0, resetMs: 60_000 };
    expect(limitHeaders({ requests, "input-tokens": inputTokens }, now)).toEqual({
      "anthropic-ratelimit-requests-limit": "50",
      "anthropic-ratelimit-requests-remaining": "49",
      "anthropic-ratelimit-requests-reset": "2026-01-31T23:59:32Z",
      "anthropic-ratelimit-input-tokens-limit": "50000",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": "2026-02-01T00:00:31Z",
    });
  });

  it("says nothing where nothing limits", () => {
    expect(limitHeaders({}, now)).toEqual({});
  });

  it("shows no debt, and no time for what never comes", () => {
    const tokens = { limit: 10, remaining: -5, resetMs: Number.POSITIVE_INFINITY };
    expect(limitHeaders({ tokens }, now)).toEqual({
      "anthropic-ratelimit-tokens-limit": "10",
      "anthropic-ratelimit-tokens-remaining": "0",
    });
  });
});
