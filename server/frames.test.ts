import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { defaultLimits, FrameError, FrameSplitter } from "./frames";
import { decode, encode } from "./message-pack";

const plain = fc.anything({
  maxDepth: 4,
  withNullPrototype: false,
  values: [
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  ],
  key: fc.string().filter((key) => key !== "__proto__"),
});

function split(stream: Buffer, cuts: number[]): Buffer[] {
  const ends = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort((a, b) => a - b);
  return [...ends, stream.length].map((end, index) => stream.subarray(ends[index - 1] ?? 0, end));
}

function read(splitter: FrameSplitter, chunks: Uint8Array[]): unknown[] {
  const messages: unknown[] = [];
  for (const chunk of chunks)
    splitter.push(chunk, (...message) => messages.push(decode(...message)));
  return messages;
}

describe("server", () => {
  describe("framing", () => {
    it("finds the same messages however the stream is cut", () => {
      fc.assert(
        fc.property(fc.array(plain, { maxLength: 6 }), fc.array(fc.nat(5000)), (values, cuts) => {
          const messages = values.map(encode);
          const splitter = new FrameSplitter();
          const found = read(splitter, split(Buffer.concat(messages), cuts));
          expect(found).toEqual(messages.map((message) => decode(message)));
          expect(splitter.unfinished).toBe(false);
        }),
        { numRuns: 500 },
      );
    });

    it("finds messages that come byte by byte", () => {
      const messages = [[0, 1, "plugin.Step", [{ EventId: 1, Data: { a: ["b"] } }]], {}, "x", -1e9];
      const stream = Buffer.concat(messages.map(encode));
      const bytes = Array.from(stream, (_, at) => stream.subarray(at, at + 1));
      expect(read(new FrameSplitter(), bytes)).toEqual(messages);
    });

    it("carries bodies up to 8 MB in random pieces", () => {
      const size = fc.oneof(fc.constantFrom(8 * 1024 * 1024, 65535, 65536), fc.nat(2 ** 21));
      fc.assert(
        fc.property(size, fc.array(fc.nat(2 ** 23), { maxLength: 40 }), (bytes, cuts) => {
          const text = "x".repeat(bytes);
          const message = encode([
            0,
            1,
            "plugin.Step",
            [{ EventId: 1, Data: Buffer.from(text) }, text],
          ]);
          const found = read(new FrameSplitter(), split(message, cuts));
          expect(found).toHaveLength(1);
          const [data, asText] = (found[0] as [0, 1, string, [{ Data: Buffer }, string]])[3];
          expect(data.Data.equals(Buffer.from(text))).toBe(true);
          expect(asText === text).toBe(true);
        }),
        { numRuns: 12 },
      );
    });

    it.each([
      ["once when its length was announced", ["x".repeat(1024 * 1024 - 10)], 1],
      ["three times at most when it was not", Array(350_000).fill("ab"), 3],
    ])("copies each byte of a message in small pieces %s", (_, value, times) => {
      const message = encode(value);
      const chunks = split(
        message,
        Array.from({ length: 255 }, (_, i) => (i + 1) * 4096),
      );
      const copied = vi.spyOn(Uint8Array.prototype, "set");
      const taken = vi.fn();
      const splitter = new FrameSplitter();
      for (const chunk of chunks) splitter.push(chunk, taken);

      expect(taken.mock.calls.map(([, start, end]) => end - start)).toEqual([message.length]);
      const bytes = copied.mock.calls.reduce((sum, [piece]) => sum + piece.length, 0);
      expect(bytes).toBeGreaterThanOrEqual(message.length);
      expect(bytes).toBeLessThanOrEqual(times * message.length + 4096);
      vi.restoreAllMocks();
    });

    it("keeps no more room for a length that is only announced than 1 MB", () => {
      const room = vi.spyOn(Buffer, "allocUnsafeSlow");
      new FrameSplitter().push(Buffer.from([0xdb, 0x03, 0xff, 0, 0, 0x78]), () => {});
      expect(room.mock.calls.map(([size]) => size)).toEqual([6 + 1024 * 1024]);
      vi.restoreAllMocks();
    });

    it("reads what Lua writes: str 8, bin, uint64 as number, float", () => {
      const message = Buffer.concat([
        Buffer.from([0x95, 0xd9, 0x02]),
        Buffer.from("hi"),
        Buffer.from([0xc4, 0x02, 1, 2]),
        Buffer.from([0xcf, 0, 0, 0, 1, 0, 0, 0, 0]),
        Buffer.from([0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]),
        Buffer.from([0xc0]),
      ]);
      expect(read(new FrameSplitter(), [message])).toEqual([
        ["hi", Buffer.from([1, 2]), 2 ** 32, 1.5, null],
      ]);
    });

    it("refuses a message over the limit by its announced length, before it comes", () => {
      const splitter = new FrameSplitter({ ...defaultLimits, maxBytes: 1000 });
      expect(() => read(splitter, [Buffer.from([0x91, 0xda, 0x04, 0x00])])).toThrow(
        "longer than 1000 bytes",
      );
    });

    it("takes a message of exactly the limit", () => {
      const message = encode("x".repeat(997));
      expect(message).toHaveLength(1000);
      const limits = { ...defaultLimits, maxBytes: 1000 };
      expect(read(new FrameSplitter(limits), [message])).toHaveLength(1);
      expect(() => read(new FrameSplitter({ ...limits, maxBytes: 999 }), [message])).toThrow(
        FrameError,
      );
    });

    it.each([
      ["an extension type", [0xd4, 0x72, 0x40]],
      ["the byte that MessagePack never uses", [0xc1]],
      ["an array of four billion values", [0xdd, 0xff, 0xff, 0xff, 0xff]],
      ["a map of four billion pairs", [0xdf, 0xff, 0xff, 0xff, 0xff]],
      ["nesting without end", Array(1000).fill(0x91)],
    ])("refuses %s", (_, bytes) => {
      expect(() => read(new FrameSplitter(), [Buffer.from(bytes)])).toThrow(FrameError);
    });

    it("refuses more values than any request has, though they are few bytes", () => {
      const empties = Buffer.alloc(1_000_001, 0x80);
      const array = Buffer.concat([Buffer.from([0xdd, 0, 0x0f, 0x42, 0x41]), empties]);
      expect(() => read(new FrameSplitter(), [array])).toThrow("more than 1000000 values");
    });
  });
});
