import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { register } from "prom-client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { log } from "../stages/log";
import type { Outcome } from "../stages/outcome";
import { prepareStage, type Stage } from "../stages/stage";
import type { Ticket } from "../stages/ticket";
import { batch, record, u32 } from "../test/support/outcome-batch";
import { Outcomes, type OutcomesOptions } from "./outcomes";
import { type ListeningSocket, listenOn } from "./socket";

async function counter(name: string, labels: object): Promise<number> {
  const { values } = await register.getSingleMetric(name)!.get();
  const wanted = JSON.stringify(labels);
  return values.find((value) => JSON.stringify(value.labels) === wanted)?.value ?? 0;
}

describe("server", () => {
  let folder: string;
  let listening: ListeningSocket;
  let outcomes: Outcomes;
  let worker: Socket;
  let learned: Outcome[];
  let learn: (outcome: Outcome) => void | Promise<void>;
  let options = "";

  async function use(limits: Partial<OutcomesOptions> = {}): Promise<void> {
    const path = join(folder, "outcomes.sock");
    outcomes = new Outcomes(limits);
    listening = await listenOn({ path, mode: 0o600 }, (socket) => outcomes.receive(socket));
    worker = connect(path);
    worker.on("error", () => {});
    await once(worker, "connect");
  }

  async function acknowledged(): Promise<number> {
    const [bytes] = (await once(worker, "data")) as [Buffer];
    return bytes.readUInt32BE(0);
  }

  let tickets = 0;
  function ticket(id = `outcome-${++tickets}`): string {
    const ticket: Ticket = {
      id,
      started_at: 1000,
      method: "POST",
      endpoint: "chat/completions",
      stream: false,
      stages: { usage: { options } },
    };
    return JSON.stringify(ticket);
  }

  beforeEach(() => {
    log.level = "silent";
    folder = mkdtempSync(join(tmpdir(), "outcomes-"));
    learned = [];
    learn = () => {};
    const stage: Stage<{ folder: string }, undefined> = {
      name: "usage",
      guards: false,
      prepare: () => undefined,
      decide: () => undefined,
      learn(outcome) {
        learned.push(outcome);
        return learn(outcome);
      },
    };
    options = prepareStage(stage, { folder }).options;
  });
  afterEach(async () => {
    worker.destroy();
    await listening.close();
    log.level = "info";
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  describe("a batch of outcomes", () => {
    it("is learned whole, and acknowledged by the number of its records", async () => {
      await use();
      const fields = {
        2: "429",
        3: "service",
        4: "application/json",
        5: "7",
        6: Buffer.from([1, 2, 0xff]),
        7: "c",
        8: "1000",
        9: "1500",
        10: "2000",
        11: "ignored here",
        12: "chat",
        99: "from a later version",
      };
      worker.write(batch(record({ 1: ticket("one"), ...fields }), record({ 1: ticket(), 7: "t" })));
      expect(await acknowledged()).toBe(2);
      expect(learned[0]).toMatchObject({
        ticket: { id: "one" },
        status: 429,
        source: "service",
        content_type: "application/json",
        retry_after: "7",
        body: Buffer.from([1, 2, 0xff]),
        complete: true,
        truncated: false,
        started_at: 1000,
        first_byte_at: 1500,
        ended_at: 2000,
      });
      expect(learned[1]).toMatchObject({ complete: false, truncated: true, body: Buffer.alloc(0) });
    });

    it("may come in pieces, and several in one", async () => {
      await use();
      const one = batch(record({ 1: ticket() }));
      for (const byte of one) await new Promise((sent) => worker.write(Buffer.from([byte]), sent));
      expect(await acknowledged()).toBe(1);
      const two = Buffer.concat([batch(record({ 1: ticket() })), batch(), one.subarray(0, 9)]);
      worker.write(two);
      await expect.poll(() => learned).toHaveLength(2);
      expect(worker.destroyed).toBe(false);
    });

    it("is acknowledged only after it was learned", async () => {
      let done = () => {};
      learn = () =>
        new Promise((resolve) => {
          done = resolve;
        });
      await use();
      worker.write(batch(record({ 1: ticket() })));
      await expect.poll(() => learned).toHaveLength(1);
      expect(worker.bytesRead).toBe(0);
      done();
      expect(await acknowledged()).toBe(1);
    });

    it("is acknowledged before its server ends, and one that comes then is left to the next", async () => {
      let done = () => {};
      learn = () => new Promise((resolve) => (done = resolve));
      await use();
      worker.write(batch(record({ 1: ticket() })));
      await expect.poll(() => learned).toHaveLength(1);
      const drained = outcomes.drained();
      worker.write(batch(record({ 1: ticket() })));
      const answered = acknowledged();
      done();
      await drained;
      expect(await answered).toBe(1);
      if (!worker.closed) await once(worker, "close");
      expect(learned).toHaveLength(1);
    });

    it("is acknowledged without a stage that hangs", async () => {
      learn = () => new Promise(() => {});
      await use({ answerSeconds: 0.02 });
      worker.write(batch(record({ 1: ticket() })));
      expect(await acknowledged()).toBe(1);
    });

    it("that comes again is acknowledged again, and learned once", async () => {
      await use();
      const again = batch(record({ 1: ticket() }), record({ 1: ticket() }));
      for (let time = 0; time < 3; time++) {
        worker.write(again);
        expect(await acknowledged()).toBe(2);
      }
      expect(learned).toHaveLength(2);
    });

    it("counts answers of Kong itself, what was dropped and what was not answered, by its worker", async () => {
      await use();
      const before = await counter("llm_kong_answers_total", { status: "401" });
      const lost = await counter("llm_outcomes_lost_total", { reason: "queue_full" });
      const unreadable = await counter("llm_outcomes_lost_total", { reason: "unreadable" });
      const closed = await counter("llm_questions_unanswered_total", { reason: "closed" });
      const silent = await counter("llm_questions_unanswered_total", { reason: "silent" });
      const [counted, own, unread] = [
        record({ 13: "12" }),
        record({ 2: "401", 15: "3" }),
        record({ 1: "{}", 2: "200" }),
      ];
      const both = record({ 26: "2", 27: "5" });
      worker.write(batch(counted, own, unread, both, record({ 26: "1" })));
      expect(await acknowledged()).toBe(5);
      expect(await counter("llm_questions_unanswered_total", { reason: "closed" })).toBe(
        closed + 3,
      );
      expect(await counter("llm_questions_unanswered_total", { reason: "silent" })).toBe(
        silent + 5,
      );
      expect(await counter("llm_kong_answers_total", { status: "401" })).toBe(before + 3);
      expect(await counter("llm_outcomes_lost_total", { reason: "queue_full" })).toBe(lost + 12);
      expect(await counter("llm_outcomes_lost_total", { reason: "unreadable" })).toBe(
        unreadable + 1,
      );
    });
  });

  describe("a batch that is sent again", () => {
    it("counts what was dropped, and Kong's own answers, once", async () => {
      await use();
      const before = await counter("llm_kong_answers_total", { status: "502" });
      const lost = await counter("llm_outcomes_lost_total", { reason: "queue_full" });
      const named = (name: string) =>
        batch(record({ 20: name }), record({ 13: "4" }), record({ 2: "502", 15: "3" }));
      for (const name of ["w 1", "w 1", "w 2", "w 1"]) {
        worker.write(named(name));
        expect(await acknowledged()).toBe(3);
      }
      expect(await counter("llm_kong_answers_total", { status: "502" })).toBe(before + 6);
      expect(await counter("llm_outcomes_lost_total", { reason: "queue_full" })).toBe(lost + 8);
    });

    it("to another process than the one that it was sent to before, is counted", async () => {
      await use();
      const before = await counter("llm_outcomes_repeated_total", {});
      const sent = (times: string) =>
        batch(record({ 20: "w 4", 24: times }), record({ 1: ticket() }), record({ 13: "1" }));
      for (const times of ["1", "2"]) {
        worker.write(sent(times));
        expect(await acknowledged()).toBe(3);
      }
      expect(await counter("llm_outcomes_repeated_total", {})).toBe(before + 1);
    });

    it("is acknowledged when it is learned, and not before", async () => {
      await use();
      let learnedIt = () => {};
      learn = () =>
        new Promise<void>((done) => {
          learnedIt = done;
        });
      const again = batch(record({ 20: "w 3" }), record({ 1: ticket() }));
      worker.write(Buffer.concat([again, again]));
      await expect.poll(() => learned).toHaveLength(1);
      learnedIt();
      const bytes = [await acknowledged()];
      expect(bytes).toEqual([2]);
      expect(learned).toHaveLength(1);
    });
  });

  describe("a hostile batch", () => {
    it.each([
      ["is over the limit", u32(70_000_000)],
      ["has a record beyond its end", batch(u32(100))],
      ["has half a length", batch(Buffer.from([0, 0]))],
      ["has a field beyond its record", batch(Buffer.concat([u32(5), Buffer.from([1]), u32(9)]))],
      ["has a million empty records", batch(Buffer.alloc(4_000_000))],
    ])("that %s closes its connection with one line", async (_, bytes) => {
      await use();
      const lines = vi.spyOn(log, "warn");
      worker.write(bytes);
      await once(worker, "close");
      expect(lines).toHaveBeenCalledTimes(1);
      expect(worker.bytesRead).toBe(0);
    });

    it("never harms the others", async () => {
      await use();
      const address = join(folder, "outcomes.sock");
      const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
      await fc.assert(
        fc.asyncProperty(bytes, fc.boolean(), async (noise, framed) => {
          const hostile = connect(address);
          hostile.on("error", () => {});
          hostile.end(framed ? batch(Buffer.from(noise)) : noise);
          hostile.resume();
          await once(hostile, "close");
        }),
        { numRuns: 1000 },
      );
      worker.write(batch(record({ 1: ticket() })));
      expect(await acknowledged()).toBe(1);
      expect(learned).toHaveLength(1);
    });
  });
});
