import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Entry } from "./answers";
import { encodings } from "./compression";
import { decodeEntry, decodeHead, encodeEntry, longestHead } from "./entry";

function entryOf(body: string | Uint8Array): Entry {
  return {
    status: 200,
    content_type: "text/event-stream; charset=utf-8",
    stored_at: 1_700_000_000_000,
    model: "gpt-4.1",
    consumer: "앨리스",
    body: Buffer.from(body as string),
  };
}

describe("llm-cache", () => {
  describe("an entry in Redis", () => {
    const compressions = [undefined, ...encodings.map((encoding) => ({ encoding, level: 1 }))];

    it.each(compressions)("is read as it was written, to the byte, compressed %j", async (how) => {
      const bodies = fc.oneof(fc.uint8Array({ maxLength: 2000 }), fc.string({ maxLength: 2000 }));
      await fc.assert(
        fc.asyncProperty(bodies, async (body) => {
          const entry = entryOf(body);
          expect(await decodeEntry(await encodeEntry(entry, how))).toEqual(entry);
        }),
      );
    });

    it("is compressed only where that makes it smaller", async () => {
      const how = { encoding: "gzip", level: 9 } as const;
      const text = "x".repeat(10_000);
      expect((await encodeEntry(entryOf(text), how)).byteLength).toBeLessThan(500);
      const packed = gzipSync(Buffer.from(Array.from({ length: 999 }, (_, at) => (at * at) % 251)));
      for (const body of [packed, "x".repeat(100), ""]) {
        expect(await encodeEntry(entryOf(body), how)).toEqual(await encodeEntry(entryOf(body)));
      }
    });

    it("tells what it is in its first bytes", async () => {
      const entry = { ...entryOf("{}"), model: "€".repeat(200), consumer: '"'.repeat(200) };
      const start = (await encodeEntry(entry)).subarray(0, longestHead);
      expect(decodeHead(start)).toMatchObject({ model: entry.model, consumer: entry.consumer });
    });

    describe("is not found in", async () => {
      const whole = (await encodeEntry(entryOf("{}"))).toString();
      const told = (change: object) =>
        whole.replace(/\{.*\}(?=\n)/, (json) => JSON.stringify({ ...JSON.parse(json), ...change }));
      it.each([
        ["nothing", ""],
        ["foreign text", "hello"],
        ["foreign JSON", '{"status":200}\n{}'],
        ["another format", whole.replace("llm-cache/1", "llm-cache/2")],
        ["a head that is no JSON", "llm-cache/1 1 {\n{}"],
        ["a head that is no object", "llm-cache/1 1 null\n{}"],
        ["a head without its end", whole.replace("\n", " ")],
        ["a head that is too long", told({ model: "x".repeat(longestHead) })],
        ["a cut body", whole.slice(0, -1)],
        ["a longer body", `${whole}x`],
        ["another status", told({ status: 500 })],
        ["a time that is none", whole.replace("1700000000000", "now")],
        ["a length that is none", told({ length: -1 })],
        ["a body beyond all bounds", told({ length: 2 ** 40, encoding: "gzip" })],
        ["an encoding that is unknown", told({ encoding: "zip" })],
        ["a body that is not so encoded", told({ encoding: "gzip" })],
        ["a header in the content type", told({ content_type: "a/b\r\nX-Admin: 1" })],
      ])("%s", async (_, value) => {
        expect(await decodeEntry(Buffer.from(value))).toBeUndefined();
      });

      it("a body that grows beyond what its head says", async () => {
        const bomb = gzipSync(Buffer.alloc(10_000_000));
        const head = told({ length: 1000, bytes: bomb.byteLength, encoding: "gzip" });
        const value = Buffer.concat([Buffer.from(head.slice(0, head.indexOf("\n") + 1)), bomb]);
        expect(await decodeEntry(value)).toBeUndefined();
      });
    });
  });
});
