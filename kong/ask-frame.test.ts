import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AskFrame, AskFrameError, AskSplitter, answerFrame } from "./ask-frame";

function frame(kind: string, ...sections: (string | Buffer)[]): Buffer {
  return answerFrame(kind as "N", ...sections);
}

function read(chunks: Buffer[], maxBytes = 1000): AskFrame[] {
  const frames: AskFrame[] = [];
  const splitter = new AskSplitter({ maxBytes });
  for (const chunk of chunks) splitter.push(chunk, (one) => frames.push(one));
  return frames;
}

const texts = ({ kind, sections }: AskFrame) => [kind, ...sections.map(String)];

describe("frames of the ask socket", () => {
  it("are read alike however they were cut", () => {
    const sections = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
    const frames = fc.array(fc.tuple(fc.constantFrom("Q", "C"), sections), { maxLength: 5 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(200), { maxLength: 10 }), (written, cuts) => {
        const bytes = Buffer.concat(
          written.map(([kind, parts]) => frame(kind, ...parts.map((part) => Buffer.from(part)))),
        );
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort(
          (a, b) => a - b,
        );
        const chunks = places.slice(1).map((end, n) => bytes.subarray(places[n], end));
        expect(read(chunks, 10_000).map(({ kind, sections }) => [kind, sections])).toEqual(
          written.map(([kind, parts]) => [kind, parts.map((part) => Buffer.from(part))]),
        );
      }),
    );
  });

  it("are whole where they are long, and the next one is another", () => {
    const body = randomBytes(3 * 1024 * 1024 + 17);
    const bytes = Buffer.concat([frame("Q", "{}", body), frame("C", "next")]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 200_000)
      chunks.push(bytes.subarray(at, at + 200_000));
    const [long, next] = read(chunks, 10_000_000);
    expect(long!.sections[1]!.equals(body)).toBe(true);
    expect(texts(next!)).toEqual(["C", "next"]);
  });

  it("need no chunk to last", () => {
    const frames: AskFrame[] = [];
    const splitter = new AskSplitter();
    const shared = frame("Q", "one");
    splitter.push(shared, (one) => frames.push(one));
    shared.fill(0);
    expect(texts(frames[0]!)).toEqual(["Q", "one"]);
  });

  it("carry bytes as they are", () => {
    const body = Buffer.from([0, 255, 10, 128]);
    expect(read([frame("Q", "{}", "", "", body)])[0]?.sections[3]).toEqual(body);
    expect(texts(read([frame("C", "name", "한국어")])[0]!)).toEqual(["C", "name", "한국어"]);
  });

  it.each([
    ["announces more than is taken", Buffer.from([0, 0, 4, 0, 81]), /longer than 1000 bytes/],
    ["is empty", Buffer.from([0, 0, 0, 0]), /is empty/],
    ["is of no known kind", frame("X" as "N", "a"), /no known kind/],
    ["cuts a length off", Buffer.from([0, 0, 0, 3, 81, 0, 0]), /length is cut off/],
    ["has a section beyond its end", Buffer.from([0, 0, 0, 5, 81, 0, 0, 0, 9]), /beyond its frame/],
    ["has more sections than any", frame("Q", ...Array(9).fill("")), /too many sections/],
  ])("end the connection when one %s", (_, bytes, message) => {
    expect(() => read([bytes])).toThrow(AskFrameError);
    expect(() => read([bytes])).toThrow(message);
  });
});
