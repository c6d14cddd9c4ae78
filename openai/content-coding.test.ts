import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readCompressed } from "./compressed-request";
import { codings, expand, readable } from "./content-coding";

const text = Buffer.from(JSON.stringify({ model: "gpt-4", input: "세계 ".repeat(2000) }));
// {"a":1} as zstd writes it (RFC 8878): a frame of one raw block, without a checksum.
const zstd = Buffer.from("28b52ffd20073900007b2261223a317d", "hex");

describe("openai", () => {
  describe("a compressed body", () => {
    it.each([
      ["gzip", gzipSync(text)],
      ["x-gzip", gzipSync(text)],
      ["GZIP", gzipSync(text)],
      ["deflate", deflateSync(text)],
      ["deflate", deflateRawSync(text)],
      ["br", brotliCompressSync(text)],
      ["gzip, br", brotliCompressSync(gzipSync(text))],
      ["identity", text],
      ["", text],
      [undefined, text],
    ])("by %s is expanded", (coding, body) => {
      expect(expand(body, coding, text.length)).toEqual(text);
      expect(readCompressed(body, coding, text.length)).toEqual(text);
    });

    it("by zstd is expanded where this Node can", () => {
      const known = codings.includes("zstd");
      expect(expand(zstd, "zstd", 100)).toEqual(known ? Buffer.from('{"a":1}') : "unknown");
    });

    it("is not expanded beyond its bound, however small it is", () => {
      const bomb = gzipSync(Buffer.alloc(20_000_000));
      expect(bomb.length).toBeLessThan(20_000);
      expect(readCompressed(bomb, "gzip", 1_000_000)).toMatchObject({
        status: 413,
        error: { message: expect.stringContaining("more than 1000000 bytes") },
      });
      expect(readCompressed(text, undefined, 10)).toMatchObject({ status: 413 });
    });

    it.each(["compress", "aes128gcm", "gzip, gzip, gzip", "constructor", "__proto__"])(
      "by %s is a 415 that names Content-Encoding",
      (coding) => {
        const answer = readCompressed(gzipSync(text), coding, text.length);
        expect(answer).toMatchObject({
          status: 415,
          error: { message: expect.stringContaining("Content-Encoding"), code: expect.any(String) },
          headers: { "Accept-Encoding": expect.stringMatching(/^gzip, deflate, br/) },
        });
      },
    );

    it("that is none is a 400 that names its coding", () => {
      expect(readCompressed(text, "gzip", text.length)).toMatchObject({
        status: 400,
        error: { message: expect.stringContaining('"gzip"') },
      });
    });
  });

  describe("an answer that nobody said was compressed", () => {
    it.each([
      ["gzip", gzipSync(text)],
      ["deflate", deflateSync(text)],
      ["brotli", brotliCompressSync(text)],
      ["nothing", text],
    ])("is read when it is compressed by %s", (_, body) => {
      expect(readable(body, text.length)).toEqual(text);
    });

    it("is read as far as it came", () => {
      const cut = gzipSync(text).subarray(0, -20);
      const read = readable(cut, text.length)!;
      expect(read.length).toBeGreaterThan(1000);
      expect(text.subarray(0, read.length)).toEqual(read);
    });

    it("is not read beyond a bound, or from its middle", () => {
      expect(readable(gzipSync(text), 100)).toBeUndefined();
      expect(readable(gzipSync(text).subarray(20), text.length)).toBeUndefined();
    });
  });
});
