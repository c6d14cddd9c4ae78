import { register } from "prom-client";
import { afterEach, describe, expect, it, vi } from "vitest";
import { countLost } from "./lost-outcomes";
import { neighbourStates } from "./neighbours";

afterEach(() => vi.useRealTimers());

describe("an outcome that was lost", () => {
  it("is counted, and told in /readyz for five minutes with what to do", async () => {
    vi.useFakeTimers();
    countLost("queue_full", 7);
    expect(neighbourStates()["lost outcomes"]).toEqual({
      ok: false,
      detail: expect.stringContaining("see the outcomes socket (queue_full)"),
    });
    const text = await register.getSingleMetricAsString("llm_outcomes_lost_total");
    expect(text).toContain('{reason="queue_full"} 7');
    expect(text).toContain('{reason="unreadable"} 0');
    vi.advanceTimersByTime(300_000);
    expect(neighbourStates()["lost outcomes"]).toMatchObject({ ok: true });
  });
});
