import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameError } from "./frames";
import { encode } from "./message-pack";
import { type Rpc, readAny, readUsual, stepMethods } from "./questions";

/** Reads it both ways; behind it stands what an earlier message has left in the buffer. */
function read(content: unknown): { usual: Rpc | undefined; any: Rpc } {
  const bytes = encode(content);
  const buffer = Buffer.concat([bytes, bytes]);
  for (let length = 0; length < bytes.length; length++) {
    expect(readUsual(buffer, length)).toBe(undefined);
  }
  expect(readUsual(buffer, buffer.length)).toBe(undefined);
  const usual = readUsual(buffer, bytes.length);
  return { usual, any: readAny(buffer, bytes.length, buffer.length) };
}

const plain = fc.anything({
  maxDepth: 3,
  withNullPrototype: false,
  values: [fc.string({ unit: "binary" }), fc.integer(), fc.boolean(), fc.constant(null)],
  key: fc.string().filter((key) => key !== "__proto__"),
});
const uint = fc.oneof(
  fc.constantFrom(0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40),
  fc.nat(),
);
const name = fc.oneof(
  fc.constantFrom("access", "log", "header_filter", "certificate"),
  fc.string(),
);

describe("server", () => {
  describe("reading Kong's questions", () => {
    it("finds in a step what was written, in any order and with ids of any size", () => {
      const method = fc.constantFrom(...stepMethods, "StepError").map((name) => `plugin.${name}`);
      fc.assert(
        fc.property(uint, method, plain, uint, fc.boolean(), (id, method, Data, EventId, first) => {
          const argument = first ? { EventId, Data } : { Data, EventId };
          const { usual, any } = read([0, id, method, [argument]]);
          expect(any).toEqual({ id, method, argument });
          const isUsual = method !== "plugin.StepError" && Math.max(id, EventId) < 2 ** 32;
          expect(usual).toEqual(isUsual ? any : undefined);
        }),
        { numRuns: 300 },
      );
    });

    it("finds in a HandleEvent what was written, in any order and for any phase", () => {
      fc.assert(
        fc.property(uint, uint, name, fc.boolean(), (id, InstanceId, EventName, first) => {
          const method = "plugin.HandleEvent";
          const argument = first ? { InstanceId, EventName } : { EventName, InstanceId };
          const { usual, any } = read([0, id, method, [argument]]);
          expect(any).toEqual({ id, method, argument });
          if (usual) expect(usual).toEqual(any);
        }),
        { numRuns: 300 },
      );
    });

    it("takes what Kong asks for each request for usual", () => {
      const event = { InstanceId: 2 ** 31, EventName: "access" };
      expect(read([0, 1, "plugin.HandleEvent", [event]]).usual?.argument).toEqual(event);
      const step = { Data: { body: Buffer.from("a").toString() }, EventId: 7 };
      expect(read([0, 2, "plugin.StepMultiMap", [step]]).usual?.argument).toEqual(step);
    });

    const tail = `${encode("EventId").toString("latin1")}\x05`;

    it.each<[string, unknown]>([
      ["data that ends like a step", { Data: tail, EventId: 1 }],
      ["other members", { Data: 1, Other: tail }],
      ["an id that is none", { EventId: "1", Data: 1 }],
      ["an id that is none, behind", { Data: 1, EventId: -1 }],
      ["one member", { EventId: 1 }],
      ["three members", { EventId: 1, Data: 2, Other: 3 }],
      ["a list", [1, 2]],
    ])("reads a step with %s as it stands", (_, argument) => {
      const method = "plugin.Step";
      const { usual, any } = read([0, 1, method, [argument]]);
      expect(any).toEqual({ id: 1, method, argument });
      if (usual) expect(usual).toEqual(any);
    });

    it.each([
      ["an extension type", Buffer.from([0xd4, 0x72, 0x40])],
      ["nesting without end", Buffer.alloc(200, 0x91)],
    ])("leaves a step with %s to those who refuse it, and reads on", (_, data) => {
      const [before, behind] = ["\x94\0\x01", "\x91\x82"].map((text) =>
        Buffer.from(text, "latin1"),
      );
      const step = Buffer.concat([
        ...[before!, encode("plugin.Step"), behind!, encode("EventId"), encode(1)],
        ...[encode("Data"), data],
      ]);
      expect(readUsual(step, step.length)).toBe(undefined);
      expect(read([0, 1, "plugin.Step", [{ EventId: 1, Data: [1] }]]).usual?.id).toBe(1);
    });

    it("reads what has no argument, or no method", () => {
      const method = "plugin.GetStatus";
      expect(read([0, 1, method, []]).any).toEqual({ id: 1, method, argument: undefined });
      expect(read([0, 1, 7, "x"]).any).toEqual({ id: 1, method: "", argument: undefined });
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
