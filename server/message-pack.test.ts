import { describe, expect, it } from "vitest";
import { decode, encode, encodeBehind } from "./message-pack";

describe("server", () => {
  describe("decoding what Kong's Lua writes", () => {
    it("does not let a message set a prototype", () => {
      const message = Buffer.concat([Buffer.from([0x81]), encode("__proto__"), encode({ x: 1 })]);
      const decoded = decode(message) as object;
      expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    });

    it("keeps bytes when the message they came in is overwritten", () => {
      const message = encode(["", Buffer.from("body")]);
      const [, body] = decode(message) as [string, Buffer];
      message.fill(0);
      expect(Buffer.from(body).toString()).toBe("body");
    });

    it("decodes one value among others", () => {
      const bytes = Buffer.concat([encode("before"), encode({ a: ["b"] }), encode("behind")]);
      expect(decode(bytes, 7, bytes.length - 7)).toEqual({ a: ["b"] });
      expect(() => decode(bytes, 7, bytes.length - 8)).toThrow("cannot be decoded");
      expect(() => decode(bytes, 7)).toThrow("cannot be decoded");
    });
  });

  describe("encoding for Kong's Lua", () => {
    it("writes integers as integers, undefined as nil, and bytes as bin", () => {
      expect(encode([200, -1, undefined, Buffer.from("a")])).toEqual(
        Buffer.from([0x94, 0xcc, 200, 0xff, 0xc0, 0xc4, 1, 0x61]),
      );
      expect(encode({ a: undefined })).toEqual(Buffer.from([0x81, 0xa1, 0x61, 0xc0]));
    });

    it.each([
      ["a date", new Date(0)],
      ["a date inside", { a: [new Date(0)] }],
    ])("refuses %s, which Lua could not read", (_, value) => {
      expect(() => encode(value)).toThrow(TypeError);
      expect(encode("after it")).toEqual(Buffer.from("\xa8after it", "latin1"));
    });

    it.each([0, 1, 255, 256, 5000])("leaves room for %d bytes before a value", (length) => {
      const head = Buffer.alloc(length, 0xc0);
      for (const value of ["text", ["x".repeat(100_000)], { a: [1, { b: null }] }]) {
        const expected = Buffer.concat([head, encode(value)]);
        expect(encodeBehind(head, value).equals(expected)).toBe(true);
      }
      expect(() => encodeBehind(head, [new Date()])).toThrow(TypeError);
      expect(encodeBehind(head, "after it")).toEqual(Buffer.concat([head, encode("after it")]));
    });
  });
});
