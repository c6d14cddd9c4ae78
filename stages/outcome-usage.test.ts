import { describe, expect, it } from "vitest";
import { noUsage } from "../models/usage";
import type { Outcome } from "./outcome";
import { mayBeMore, usageOfOutcome } from "./outcome-usage";

const sse = "text/event-stream";
const stated = { usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 } };

function outcome(change: Partial<Outcome> = {}, endpoint = "chat/completions"): Outcome {
  return {
    ticket: { id: "r", started_at: 0, method: "POST", endpoint, stream: false, stages: {} },
    ...{ status: 200, source: "service", content_type: "application/json" },
    body: Buffer.from(JSON.stringify(stated)),
    ...{ bytes: 0, complete: true, truncated: false },
    ...{ started_at: 0, first_byte_at: 0, ended_at: 0, ...change },
  };
}

describe("kong", () => {
  describe("the usage of an outcome", () => {
    it("is what the answer states", () => {
      expect(usageOfOutcome(outcome(), 99)).toMatchObject({ input_tokens: 7, output_tokens: 5 });
    });

    it("is read once, whoever asks", () => {
      const ended = outcome();
      const first = usageOfOutcome(ended, 1);
      ended.body.fill(" ");
      expect(usageOfOutcome(ended, 2)).toEqual(first);
    });

    it("is an estimate beside what each asker knows of the request, where nothing is stated", () => {
      const said = { choices: [{ message: { content: "x".repeat(40) } }] };
      const ended = outcome({ body: Buffer.from(JSON.stringify(said)) });
      for (const input_tokens of [3, 4]) {
        const expected = { input_tokens, output_tokens: 10, estimated: true };
        expect(usageOfOutcome(ended, input_tokens)).toMatchObject(expected);
      }
    });

    it.each<[string, Outcome]>([
      ["a hit", outcome({ source: "cache" })],
      ["a failed call", outcome({ status: 500 })],
      ["a broken upstream", outcome({ source: "error", status: 502 })],
      ["a list of models", outcome({}, "models")],
    ])("is nothing for %s", (_, ended) => {
      expect(usageOfOutcome(ended, 99)).toBe(noUsage);
    });

    it("is the prompt, estimated, for a client that left before its answer", () => {
      const left = outcome({ status: 499, complete: false, body: Buffer.alloc(0) });
      const prompt = { ...noUsage, input_tokens: 99, estimated: true };
      expect(usageOfOutcome(left, 99)).toEqual(prompt);
      expect(usageOfOutcome(outcome({ status: 499 }, "models"), 99)).toBe(noUsage);
    });

    it.each([
      ["an error with 200", '{"error":{"message":"overloaded","code":503}}', "application/json"],
      ["a vendor's error", '{"detail":"the model is loading"}', "application/json"],
      ["an error event", 'data: {"error":{"message":"x"}}\n\ndata: [DONE]\n\n', sse],
      ["an answer without a word", '{"choices":[]}', "application/json"],
    ])("is nothing for %s", (_, text, content_type) => {
      expect(usageOfOutcome(outcome({ body: Buffer.from(text), content_type }), 99)).toBe(noUsage);
    });

    it("is what was said before an error, and what an error states", () => {
      const said = 'data: {"choices":[{"delta":{"content":"xxxxxxxx"}}]}\n\n';
      const failed = 'data: {"error":{"message":"x"}}\n\n';
      const body = Buffer.from(said + failed);
      const seen = { input_tokens: 99, output_tokens: 2, estimated: true };
      expect(usageOfOutcome(outcome({ body, content_type: sse }), 99)).toMatchObject(seen);
      const usage = { prompt_tokens: 7, completion_tokens: 5 };
      const stating = Buffer.from(JSON.stringify({ error: { message: "x" }, usage }));
      expect(usageOfOutcome(outcome({ body: stating }), 99)).toMatchObject({ output_tokens: 5 });
    });

    it.each([201, 202])("is what an answer with %i states", (status) => {
      expect(usageOfOutcome(outcome({ status }), 99)).toMatchObject({ input_tokens: 7 });
    });

    it("is not known of a background response: its work is still to be done", () => {
      const body = Buffer.from('{"status":"queued","background":true,"output":[],"usage":null}');
      expect(usageOfOutcome(outcome({ body }, "responses"), 99)).toBeUndefined();
    });

    it("is what can be seen in the place of a zero", () => {
      const said = [{ message: { content: "x".repeat(40) } }];
      const usage = { prompt_tokens: 7, completion_tokens: 0, total_tokens: 7 };
      const body = Buffer.from(JSON.stringify({ choices: said, usage }));
      expect(usageOfOutcome(outcome({ body }), 99)).toMatchObject({
        ...{ input_tokens: 7, output_tokens: 10, estimated: true },
      });
    });

    it("is counted in the units of its endpoint", () => {
      const of = (endpoint: string, text: string, units = {}) =>
        usageOfOutcome(outcome({ body: Buffer.from(text) }, endpoint), 99, units);
      expect(of("images/generations", '{"data":[{},{}]}')).toMatchObject({ images: 2 });
      const end = outcome({ body: Buffer.from('"}]}'), truncated: true }, "images/edits");
      expect(usageOfOutcome(end, 99, { images: 3 })).toMatchObject({ images: 3 });
      expect(of("audio/speech", "sound", { characters: 80 })).toEqual({
        ...{ ...noUsage, characters: 80 },
      });
      const heard = { audio_seconds: 12, estimated: true };
      expect(of("audio/transcriptions", '{"text":"hi"}', { seconds: 12 })).toMatchObject(heard);
      expect(of("moderations", '{"results":[{}]}')).toEqual(noUsage);
    });

    it("may be more where a model that thinks was left before it said what it took", () => {
      const left = (served: string, cut_by: Outcome["cut_by"]) => {
        const ended = outcome({ cut_by });
        ended.ticket.model = { requested: "m", served, label: served };
        return ended;
      };
      expect(mayBeMore(left("openai/o3", "client"))).toBe(true);
      expect(mayBeMore(left("gpt-4.1", "client"))).toBe(false);
      expect(mayBeMore(left("openai/o3", undefined))).toBe(false);
    });

    it("is not known where answers are not read", () => {
      expect(usageOfOutcome(outcome({}, "other"), 99)).toBeUndefined();
    });
  });
});
