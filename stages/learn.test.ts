import { register } from "prom-client";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { learnFrom } from "./learn";
import { log } from "./log";
import type { Outcome } from "./outcome";
import { fingerprintOf, prepareStage, type Stage } from "./stage";

function outcomeWith(id: string, stages: Outcome["ticket"]["stages"]): Outcome {
  return {
    ticket: {
      id,
      started_at: 1,
      method: "POST",
      endpoint: "chat/completions",
      stream: false,
      stages,
    },
    status: 200,
    source: "service",
    content_type: "application/json",
    body: Buffer.from("{}"),
    complete: true,
    truncated: false,
    started_at: 1,
    first_byte_at: 2,
    ended_at: 3,
  };
}

const note = z.object({ key: z.string().transform((key) => key.toUpperCase()) });

function learning(learn: Stage<object, undefined, typeof note>["learn"]) {
  return {
    ...{ name: "cache" as const, guards: false, note, learn },
    ...{ prepare: () => undefined, decide: () => undefined },
  };
}

describe("learning how a request ended", () => {
  it("tells the stage of the ticket, with its note, once however often the outcome comes", async () => {
    const learn = vi.fn();
    const { options } = prepareStage(learning(learn), { test: "once" });
    const outcome = outcomeWith("once", { cache: { options, note: { key: "k" } } });
    await Promise.all([learnFrom(outcome), learnFrom(outcome)]);
    await learnFrom(structuredClone(outcome));
    expect(learn).toHaveBeenCalledExactlyOnceWith(outcome, { key: "K" }, undefined);
  });

  it.each([undefined, null, "k", { key: 1 }])(
    "tells the stage that there is no note where %j came back",
    async (other) => {
      const learn = vi.fn();
      const { options } = prepareStage(learning(learn), { test: other });
      const outcome = outcomeWith(`no note ${JSON.stringify(other)}`, {
        cache: { options, note: other },
      });
      await learnFrom(outcome);
      expect(learn).toHaveBeenCalledExactlyOnceWith(outcome, undefined, undefined);
    },
  );

  it("keeps an outcome until its options are there again after a restart", async () => {
    const options = { test: "restart" };
    const learn = vi.fn();
    const entry = { options: fingerprintOf(options), note: { key: "k" } };
    const learned = learnFrom(outcomeWith("parked", { cache: entry }));
    // Who waits for it acknowledges nothing before: it would be lost with this process.
    expect(await Promise.race([learned.then(() => "learned"), new Promise(setImmediate)])).not.toBe(
      "learned",
    );
    expect(learn).not.toHaveBeenCalled();

    prepareStage(learning(learn), options);
    await learned;
    expect(learn).toHaveBeenCalledExactlyOnceWith(expect.anything(), { key: "K" }, undefined);
  });

  it("keeps them for a quarter of an hour, as long as there is room, and counts what it gives up", async () => {
    vi.useFakeTimers();
    const lost = async (reason: string) =>
      (await register.getSingleMetric("llm_outcomes_lost_total")!.get()).values.find(
        ({ labels }) => labels.reason === reason,
      )?.value;
    const [late, full] = [await lost("options_unknown"), await lost("too_many_parked")];
    const stages = { cache: { options: "options that never come" } };
    const kept = learnFrom({ ...outcomeWith("kept", stages), body: Buffer.alloc(60_000_000) });
    await learnFrom({ ...outcomeWith("too long", stages), body: Buffer.alloc(10_000_000) });
    expect(await lost("too_many_parked")).toBe(full! + 1);
    await vi.advanceTimersByTimeAsync(899_000);
    expect(await lost("options_unknown")).toBe(late);
    await vi.advanceTimersByTimeAsync(2000);
    await kept;
    expect(await lost("options_unknown")).toBe(late! + 1);
    vi.useRealTimers();
  });

  it("survives a stage that fails, and says so in the log", async () => {
    const error = vi.spyOn(log, "error").mockImplementation(() => undefined);
    const failing = learning(() => {
      throw new Error("boom");
    });
    const { options } = prepareStage(failing, { test: "fails" });
    await learnFrom(outcomeWith("fails", { cache: { options } }));
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({ stage: "cache", request_id: "fails" }),
      "stage cannot learn",
    );
  });
});
