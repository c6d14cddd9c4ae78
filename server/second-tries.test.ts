import { afterEach, describe, expect, it, vi } from "vitest";
import { neighbourStates } from "../stages/neighbours";
import type { Outcome } from "../stages/outcome";
import { secondTriesWanted, seeTries, tellNextUpstream } from "./second-tries";

afterEach(() => vi.useRealTimers());

const state = () => neighbourStates()["second tries"];

/** A request for a model whose first try ended with this status, and whose second one served. */
function repeatedAfter(status: number | undefined, model = "gpt-4.1"): Outcome {
  return {
    ticket: {
      endpoint: "chat/completions",
      ...(model && { model: { requested: model, served: model } }),
    },
    failed_tries: [{ try: 0, ...(status !== undefined && { status }) }],
    served_try: 1,
  } as unknown as Outcome;
}

describe("second tries that nobody asks for", () => {
  it("are not told of, whatever Kong does", () => {
    seeTries(repeatedAfter(429));
    expect(state()).toBeUndefined();
  });
});

describe("second tries that Kong does not make", () => {
  it("are told in /readyz by the words that its setting lacks", () => {
    tellNextUpstream("error timeout http_429");
    expect(state()).toEqual({ ok: false, detail: expect.stringContaining("lacks non_idempotent") });
    tellNextUpstream(undefined);
    expect(state()?.detail).toContain("lacks http_429 and non_idempotent");
  });

  it("are told no more when Kong has the words", () => {
    tellNextUpstream(undefined);
    tellNextUpstream("error http_429 non_idempotent");
    expect(state()).toMatchObject({ ok: true });
  });

  it("are told no more when a request was sent again although its first try was answered", () => {
    tellNextUpstream(undefined);
    for (const status of [undefined, 502]) seeTries(repeatedAfter(status));
    seeTries(repeatedAfter(429, ""));
    expect(state()).toMatchObject({ ok: false });
    seeTries(repeatedAfter(429));
    expect(state()).toMatchObject({ ok: true });
    // Another worker tells the same, and a Kong with another setting is another one.
    tellNextUpstream(undefined);
    expect(state()).toMatchObject({ ok: true });
    tellNextUpstream("error");
    expect(state()).toMatchObject({ ok: false });
  });

  it("are told no more when no request wants them, until one does", () => {
    vi.useFakeTimers();
    tellNextUpstream(undefined);
    vi.advanceTimersByTime(299_999);
    secondTriesWanted();
    vi.advanceTimersByTime(299_999);
    expect(state()).toMatchObject({ ok: false });
    vi.advanceTimersByTime(1);
    expect(state()).toMatchObject({ ok: true });
    secondTriesWanted();
    expect(state()).toMatchObject({ ok: false });
  });
});
