import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { record } from "../test/support/outcome-batch";
import { BatchError, outcomeOf, readBatch } from "./outcome-frame";

const ticket = JSON.stringify({
  id: "a",
  started_at: 5,
  method: "POST",
  endpoint: "chat/completions",
  stream: false,
  stages: {},
});
const sent = Buffer.from(ticket);

describe("kong", () => {
  describe("a batch of outcomes", () => {
    it("gives every field of every record, in order", () => {
      const fields = [
        "T",
        "200",
        "service",
        "text/x",
        "3",
        "b",
        "ct",
        "8",
        "9",
        "10",
        "i",
        "r",
        "13",
      ];
      const whole = record(Object.fromEntries(fields.map((value, index) => [index + 1, value])));
      expect(readBatch(Buffer.concat([whole, record({}), record({ 13: "4" })]))).toEqual([
        {
          ticket: Buffer.from("T"),
          status: 200,
          source: "service",
          contentType: "text/x",
          retryAfter: "3",
          body: Buffer.from("b"),
          flags: "ct",
          startedAt: 8,
          firstByteAt: 9,
          endedAt: 10,
          requestId: "i",
          dropped: 13,
        },
        {},
        { dropped: 4 },
      ]);
    });

    it("skips fields of an earlier or a later version", () => {
      expect(readBatch(record({ 0: "new", 2: "204", 12: "route", 200: "new" }))).toEqual([
        { status: 204 },
      ]);
    });

    it.each(["", "-1", "1e9", "0x10", "9".repeat(16), "NaN"])("takes %j for no number", (text) => {
      expect(readBatch(record({ 2: text }))).toEqual([{ status: undefined }]);
    });

    it("throws nothing but a BatchError, whatever the bytes", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
          try {
            readBatch(Buffer.from(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(BatchError);
          }
        }),
        { numRuns: 5000 },
      );
    });
  });

  describe("an outcome", () => {
    it.each([
      ["whole, when its last byte has passed", { flags: "cp" }, { complete: true }],
      ["cut by the upstream, while the client stayed", { flags: "tp" }, { cut_by: "upstream" }],
      ["cut by the client, which has gone", { flags: "" }, { cut_by: "client" }],
      [
        "whole without a body, which passes no filter",
        { flags: "p", status: 204 },
        { complete: true },
      ],
    ])("is %s", (_how, record, expected) => {
      const outcome = outcomeOf({ ticket: sent, status: 200, ...record })!;
      expect(outcome).toMatchObject({ complete: false, ...expected });
      expect(outcome.complete).toBe(outcome.cut_by === undefined);
    });

    it("knows the length of the whole answer, of which the body may be the end", () => {
      const body = Buffer.from("end");
      expect(outcomeOf({ ticket: sent, body, bytes: 1000 })?.bytes).toBe(1000);
      expect(outcomeOf({ ticket: sent, body })?.bytes).toBe(3);
      expect(readBatch(record({ 14: "1000" }))).toEqual([{ bytes: 1000 }]);
    });

    it("tells what the upstream said of its limits", () => {
      const [told] = readBatch(record({ 1: ticket, 25: "9\n6m0s\n\n" }));
      const left = { requests: "9", requests_reset: "6m0s", tokens: "", tokens_reset: "" };
      expect(outcomeOf(told!)?.left).toEqual(left);
      expect(outcomeOf({ ticket: sent })).not.toHaveProperty("left");
    });

    it("needs a ticket that can be read", () => {
      expect(outcomeOf({})).toBeUndefined();
      expect(outcomeOf({ ticket: Buffer.from("{") })).toBeUndefined();
      expect(outcomeOf({ ticket: sent })?.ticket.id).toBe("a");
    });

    it("fills what Lua left out", () => {
      expect(outcomeOf({ ticket: sent }, 1234)).toMatchObject({
        status: 0,
        source: "error",
        content_type: "",
        body: Buffer.alloc(0),
        complete: false,
        truncated: false,
        started_at: 5,
        first_byte_at: 1234,
        ended_at: 1234,
      });
    });

    it("is complete when it holds its stream's own end, though the client has closed at it", () => {
      const stream = Buffer.from(JSON.stringify({ ...JSON.parse(ticket), stream: true }));
      const ended = (text: string) =>
        outcomeOf({
          ticket: stream,
          status: 200,
          source: "service",
          body: Buffer.from(text),
          flags: "",
        });
      const whole = ended('data: {"choices":[]}\n\ndata: [DONE]\n\n');
      expect(whole).toMatchObject({ complete: true });
      expect(whole).not.toHaveProperty("cut_by");
      expect(ended('data: {"choices":[]}\n\n')).toMatchObject({
        complete: false,
        cut_by: "client",
      });
    });

    it("is read when the upstream compressed it in spite of what it was asked", () => {
      const answer = Buffer.from('{"choices":[],"usage":{"prompt_tokens":100}}');
      const of = (endpoint: string) =>
        outcomeOf({
          ...{ status: 200, source: "service", body: gzipSync(answer), flags: "cp" },
          ticket: Buffer.from(JSON.stringify({ ...JSON.parse(ticket), endpoint })),
        });
      expect(of("chat/completions")?.body).toEqual(answer);
      expect(of("audio/speech")?.body).toEqual(gzipSync(answer));
    });
  });
});
