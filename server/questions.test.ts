import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameError } from "./frames";
import { encode } from "./message-pack";
import { readRpc, stepMethods } from "./questions";

function read(content: unknown) {
  const bytes = encode(content);
  // A message seldom stands alone.
  const among = Buffer.concat([Buffer.from([0xc0]), bytes, Buffer.from([0xa7])]);
  return readRpc(among, 1, 1 + bytes.length);
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
          expect(read([0, id, method, [argument]])).toEqual({ id, method, argument });
        }),
        { numRuns: 1000 },
      );
    });

    it("finds in a HandleEvent what was written, in any order and for any phase", () => {
      fc.assert(
        fc.property(uint, uint, name, fc.boolean(), (id, InstanceId, EventName, first) => {
          const method = "plugin.HandleEvent";
          const argument = first ? { InstanceId, EventName } : { EventName, InstanceId };
          expect(read([0, id, method, [argument]])).toEqual({ id, method, argument });
        }),
        { numRuns: 500 },
      );
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
      expect(read([0, 1, method, [argument]])).toEqual({ id: 1, method, argument });
    });

    it("reads what has no argument, or no method", () => {
      expect(read([0, 1, "plugin.GetStatus", []])).toEqual({
        ...{ id: 1, method: "plugin.GetStatus", argument: undefined },
      });
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
