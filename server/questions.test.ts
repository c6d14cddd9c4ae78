import { describe, expect, it } from "vitest";
import { FrameError } from "./frames";
import { encode } from "./message-pack";
import { type Rpc, readQuestion } from "./questions";

/** Reads it where other messages stand before and behind it. */
function read(content: unknown): Rpc {
  const bytes = encode(content);
  const stream = Buffer.concat([encode("before"), bytes, encode("behind")]);
  return readQuestion(stream, 7, 7 + bytes.length);
}

describe("server", () => {
  describe("reading Kong's questions", () => {
    it.each<[string, string, unknown]>([
      ["the start of an event", "HandleEvent", { InstanceId: 2 ** 31, EventName: "access" }],
      ["a step", "StepMultiMap", { Data: { accept: ["*/*"] }, EventId: 7 }],
      ["a step that brings nothing", "Step", { EventId: 7 }],
      ["an argument that is no map", "CloseInstance", 5],
      ["a method that is not known", "Nothing", [1, 2]],
    ])("finds %s", (_, name, argument) => {
      const method = `plugin.${name}`;
      for (const id of [0, 127, 65_536, 2 ** 32 - 1, 2 ** 40]) {
        expect(read([0, id, method, [argument]])).toEqual({ id, method, argument });
      }
    });

    it("finds none of what is missing", () => {
      const method = "plugin.GetStatus";
      expect(read([0, 1, method, []])).toEqual({ id: 1, method, argument: undefined });
      expect(read([0, 1, 7, "x"])).toEqual({ id: 1, method: "", argument: undefined });
    });

    it.each([
      ["an answer", [1, 1, null, {}]],
      ["a question without an id", [0, "1", "plugin.Step", [{ EventId: 1, Data: 1 }]]],
      ["a map", { a: 1 }],
      ["nothing", null],
    ])("refuses %s", (_, content) => {
      expect(() => read(content)).toThrow(FrameError);
    });
  });
});
