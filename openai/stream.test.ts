import { describe, expect, it } from "vitest";
import { endsItself, errorEventIn, streamEvents } from "./stream";

function isWholeStream(body: Buffer): boolean {
  return endsItself(body) && errorEventIn(body) === undefined;
}

const chunk = (content: string) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

describe("stream", () => {
  describe("reads events", () => {
    it.each([
      ["line feeds", "data: a\n\ndata: b\n\n"],
      ["carriage returns with line feeds", "data: a\r\n\r\ndata: b\r\n\r\n"],
      ["carriage returns", "data: a\r\rdata: b\r\r"],
      [
        "comments, ids and retry times between",
        ": hi\n\nid: 1\ndata: a\nretry: 5\n\n:\ndata: b\n\n",
      ],
      ["no space behind the colon", "data:a\n\ndata:b\n\n"],
      ["a byte order mark", "\uFEFFdata: a\n\ndata: b\n\n"],
      ["no empty line at the end", "data: a\n\ndata: b"],
    ])("with %s", (_, text) => {
      expect(streamEvents(Buffer.from(text)).map(({ data }) => data)).toEqual(["a", "b"]);
    });

    it("with their types, and data of several lines", () => {
      const text = "event: response.created\ndata: a\ndata:  b\n\ndata: c\n\n";
      expect(streamEvents(Buffer.from(text))).toEqual([
        { event: "response.created", data: "a\n b" },
        { event: "", data: "c" },
      ]);
    });

    it("that no empty line sets apart, and one that has several lines", () => {
      const dataOf = (text: string) => streamEvents(Buffer.from(text)).map(({ data }) => data);
      expect(dataOf('data: {"a":1}\ndata: {"b":2}\ndata: [DONE]\n')).toEqual([
        ...['{"a":1}', '{"b":2}', "[DONE]"],
      ]);
      expect(dataOf('data: {"a":[\ndata: {"b":2}\ndata: ]}\n\n')).toEqual(['{"a":[\n{"b":2}\n]}']);
    });

    it("whose body begins inside a character", () => {
      const body = Buffer.from(`세계"}]}\n\n${chunk("끝")}`).subarray(1);
      expect(streamEvents(body)).toHaveLength(1);
    });
  });

  describe("is whole", () => {
    it.each([
      ["a chat that ends with [DONE]", `${chunk("hi")}data: [DONE]\n\n`],
      ["a [DONE] without the empty line behind it", `${chunk("hi")}data: [DONE]`],
      [
        "a completed response",
        'event: response.completed\ndata: {"type":"response.completed"}\n\n',
      ],
      [
        "a response that reached its bound",
        'event: response.incomplete\ndata: {"type":"response.incomplete","response":{"error":null}}\n\n',
      ],
      [
        "an answer that speaks of errors",
        `${chunk('{"error": {"type": "error"}}')}data: [DONE]\n\n`,
      ],
    ])("for %s", (_, text) => {
      expect(isWholeStream(Buffer.from(text))).toBe(true);
    });

    it.each([
      ["an empty body", ""],
      ["a chat without [DONE]", chunk("hi")],
      ["a text that says [DONE]", chunk("data: [DONE]")],
      ["half a [DONE]", `${chunk("hi")}data: [DON`],
      ["more after [DONE]", `data: [DONE]\n\n${chunk("hi")}`],
      ["half a completed response", 'data: {"type":"response.completed","response":{"id":'],
      ["an error before [DONE]", 'data: {"error":{"message":"overloaded"}}\n\ndata: [DONE]\n\n'],
      ["an event of type error", 'event: error\ndata: {"code":"x"}\n\ndata: [DONE]\n\n'],
      ["a failed response", 'event: response.failed\ndata: {"type":"response.failed"}\n\n'],
    ])("not for %s", (_, text) => {
      expect(isWholeStream(Buffer.from(text))).toBe(false);
    });
  });
});
