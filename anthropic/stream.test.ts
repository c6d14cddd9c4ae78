import { describe, expect, it } from "vitest";
import { event, messageDelta, messageStart, stream, textBlock } from "./message.fixture";
import { endsItself, eventsFromEnd } from "./stream";

function types(text: string): string[] {
  return [...eventsFromEnd(Buffer.from(text))].map(({ type }) => type);
}

const hasEnded = (text: string) => endsItself(Buffer.from(text));
const overloaded = { error: { type: "overloaded_error", message: "Overloaded" } };

describe("stream", () => {
  it("gives the events from the last to the first", () => {
    expect(types(stream("a", "b"))).toEqual([
      "message_stop",
      "message_delta",
      "content_block_stop",
      "content_block_delta",
      "content_block_delta",
      "ping",
      "content_block_start",
      "message_start",
    ]);
  });

  it.each(["\n", "\r\n"])("reads lines that end with %j, and leaves comments out", (end) => {
    const text = `: hello${end}${event("ping", {}, end)}event: a${end}data: {"x":${end}data: 1}${end}${end}`;
    const [last, first] = [...eventsFromEnd(Buffer.from(text))];
    expect(first?.type).toBe("ping");
    expect(last?.type).toBe("a");
    expect(JSON.parse(last?.data ?? "")).toEqual({ x: 1 });
  });

  it("names an event by its data where the stream does not", () => {
    expect(types('data: {"type":"message_stop"}\n\n')).toEqual(["message_stop"]);
  });

  it("gives what a cut left of the first event and of the last", () => {
    const text = stream("hello");
    expect(types(text.slice(10, -6)).at(0)).toBe("message_stop");
    expect(types(text.slice(30)).at(-1)).toBe("content_block_start");
    expect(types("")).toEqual([]);
    expect(types("\n\n")).toEqual([]);
  });

  describe("has ended", () => {
    it("when it came to message_stop", () => {
      expect(hasEnded(stream("hi"))).toBe(true);
    });

    it("also when a ping follows", () => {
      expect(hasEnded(stream("hi") + event("ping"))).toBe(true);
    });

    it("also when the end of OpenAI's streams follows, as vLLM and relays send it", () => {
      expect(hasEnded(`${stream("hi")}data: [DONE]\n\n`)).toBe(true);
    });

    it("also when a model speaks of errors", () => {
      expect(hasEnded(stream('event: error\n\ndata: {"type":"error"}\n\n'))).toBe(true);
    });
  });

  it.each([
    ["stops before message_stop", messageStart() + textBlock(0, "hi") + messageDelta({})],
    ["reports an error in the middle", messageStart() + event("error", overloaded)],
    ["holds nothing", ""],
    ["is cut in its last event", stream("hi").slice(0, -20)],
  ])("has not ended when it %s", (_, text) => {
    expect(hasEnded(text)).toBe(false);
  });
});
