import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noUsage, type Usage } from "../models/usage";
import {
  event,
  json,
  message,
  messageDelta,
  messageStart,
  messageStop,
  sse,
  statedUsage,
  stream,
  textBlock,
} from "./message.fixture";
import { usageOf } from "./usage";

const expected: Usage = {
  ...noUsage,
  input_tokens: 1000,
  cached_input_tokens: 600,
  cache_write_tokens: 200,
  cache_write_1h_tokens: 100,
  output_tokens: 80,
  reasoning_tokens: 30,
  web_searches: 2,
  service_tier: "standard",
};
const forged = { input_tokens: 1, output_tokens: 1 };

function read(contentType: string, body: string, truncated = false): Usage | undefined {
  return usageOf("messages", contentType, Buffer.from(body), truncated);
}

describe("usage", () => {
  it("holds the whole prompt with its cached parts inside it", () => {
    expect(read(json, message())).toEqual(expected);
  });

  it("is nothing for a count of tokens, which is free", () => {
    const body = Buffer.from('{"input_tokens":14}');
    expect(usageOf("messages/count_tokens", json, body, false)).toEqual(noUsage);
  });

  it("takes what is written to the cache for five minutes where the ages are not told apart", () => {
    const usage = { input_tokens: 1, cache_creation_input_tokens: 300, output_tokens: 2 };
    expect(read(json, message({ usage }))).toMatchObject({
      input_tokens: 301,
      cache_write_tokens: 300,
      cache_write_1h_tokens: 0,
    });
  });

  it("names the fast mode as the tier, as it has a price of its own", () => {
    const usage = { ...statedUsage, speed: "fast" };
    expect(read(json, message({ usage }))?.service_tier).toBe("fast");
  });

  it("names inference in the United States alone as the tier, which costs more", () => {
    const tier = (members: object) =>
      read(json, message({ usage: { ...statedUsage, ...members } }))?.service_tier;
    expect(tier({ inference_geo: "us" })).toBe("us");
    expect(tier({ inference_geo: "us", service_tier: "batch" })).toBe("batch");
    expect(tier({ inference_geo: "global" })).toBe("standard");
  });

  describe("of several attempts", () => {
    const one = { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 20 };
    const attempt = { input_tokens: 30, cached_input_tokens: 20, output_tokens: 5 };
    const ofIterations = (...iterations: object[]) =>
      read(json, message({ usage: { ...statedUsage, iterations } }));

    it("adds what a compaction and an advisor took, and nothing that is counted already", () => {
      const usage = ofIterations(
        { ...one, type: "message" },
        { ...one, type: "compaction" },
        { ...one, type: "advisor_message", model: "claude-opus-5-5" },
      );
      const sums = { input_tokens: 1060, cached_input_tokens: 640, output_tokens: 90 };
      expect(usage).toMatchObject({ ...expected, ...sums });
      expect(usage?.attempts).toMatchObject([
        { input_tokens: 1000, output_tokens: 80 },
        attempt,
        { ...attempt, model: "claude-opus-5-5" },
      ]);
    });

    it("is of one alone where all were of the message", () => {
      expect(ofIterations({ ...one, type: "message", model: null })).toEqual(expected);
    });

    const declined = { ...one, type: "message", model: "claude-fable-5-1" };
    const served = { ...one, type: "fallback_message", model: "claude-opus-5" };

    it("is of the model that served and of one that declined after its first word", () => {
      const usage = ofIterations(declined, served);
      expect(usage).toMatchObject({ input_tokens: 60, output_tokens: 10, reasoning_tokens: 30 });
      expect(usage?.attempts).toMatchObject([
        { ...attempt, model: "claude-fable-5-1" },
        { ...attempt, model: "claude-opus-5" },
      ]);
    });

    it("is of the model that served alone where the first one said nothing, or was not asked", () => {
      for (const before of [[{ ...declined, output_tokens: 0 }], []]) {
        const usage = ofIterations(...before, served);
        expect(usage).toMatchObject({ ...attempt, cache_write_tokens: 0 });
        expect(usage?.attempts).toMatchObject([{ ...attempt, model: "claude-opus-5" }]);
      }
    });

    it("is the same of a stream, whatever its start has counted of the one that declined", () => {
      const end = { ...statedUsage, ...one, iterations: [declined, served] };
      const usage = read(sse, messageStart() + textBlock(0, "hi") + messageDelta(end));
      expect(usage).toMatchObject({ input_tokens: 60, output_tokens: 10 });
      expect(usage?.attempts).toHaveLength(2);
    });
  });

  describe("of a model that declines", () => {
    const stop_reason = "refusal";

    it("is nothing before its first word, which is not billed", () => {
      const usage = { ...statedUsage, output_tokens: 0 };
      expect(read(json, message({ usage, stop_reason, content: [] }))).toBe(noUsage);
      const ended = messageStart(usage) + messageDelta({ output_tokens: 0 }, stop_reason);
      expect(read(sse, ended + messageStop)).toBe(noUsage);
      const nobody = { ...usage, type: "fallback_message", model: "claude-opus-5" };
      const declined = { ...usage, iterations: [nobody] };
      expect(read(json, message({ usage: declined, stop_reason, content: [] }))).toBe(noUsage);
    });

    it("is what it took after its first word, also where a relay states zero of it", () => {
      expect(read(json, message({ stop_reason }))).toEqual(expected);
      const usage = { ...statedUsage, output_tokens: 0 };
      expect(read(json, message({ stop_reason, usage }))?.input_tokens).toBe(1000);
      const ended = textBlock(0, "hi") + messageDelta({ output_tokens: 0 }, stop_reason);
      expect(read(sse, messageStart(usage) + ended)?.input_tokens).toBe(1000);
    });
  });

  describe("of a stream", () => {
    it("is what its start and its end say together", () => {
      const end = { output_tokens: 80, output_tokens_details: { thinking_tokens: 30 } };
      expect(read(sse, messageStart() + textBlock(0, "hi") + messageDelta(end))).toEqual(expected);
    });

    it("is what the end says where both say it, member by member, and null says nothing", () => {
      const start = { ...statedUsage, server_tool_use: null, output_tokens: 1 };
      const ends =
        messageDelta({ input_tokens: 7, output_tokens: 9 }, null) +
        messageDelta({ input_tokens: 150, cache_read_input_tokens: null, output_tokens: 80 });
      const usage = read(sse, messageStart(start) + textBlock(0, "hi") + ends + messageStop);
      expect(usage).toMatchObject({ input_tokens: 1050, cached_input_tokens: 600 });
      expect(usage?.output_tokens).toBe(80);
    });

    it("keeps what its start has counted where its end says zero of it, but not what was written", () => {
      const zeros = {
        ...{ input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      };
      const ended = (end: object) =>
        read(sse, messageStart() + textBlock(0, "hi") + messageDelta({ ...zeros, ...end }));
      const { reasoning_tokens: _, ...counted } = expected;
      expect(ended({ output_tokens: 80 })).toMatchObject(counted);
      expect(ended({ output_tokens: 0 })?.output_tokens).toBe(0);
    });

    it("is what its end says where its start has counted nothing yet", () => {
      const nothing = { input_tokens: 0, output_tokens: 0 };
      const ends = messageDelta({ ...statedUsage, output_tokens: 80 });
      expect(read(sse, messageStart(nothing) + textBlock(0, "hi") + ends)).toEqual(expected);
    });

    it("is read with any ends of lines", () => {
      expect(read(sse, stream("hi").replaceAll("\n", "\r\n"))).toMatchObject({
        input_tokens: 1000,
        output_tokens: 80,
      });
    });

    it("is found at the ends of a long stream", () => {
      const words = Array.from({ length: 2000 }, (_, at) => `word ${at} `);
      expect(read(sse, stream(...words))).toMatchObject({ input_tokens: 1000, output_tokens: 80 });
    });

    it("is not stated by one that was cut before its end", () => {
      expect(read(sse, messageStart() + textBlock(0, "hi"))).toBeUndefined();
      expect(read(sse, messageStart() + event("error", { error: {} }))).toBeUndefined();
    });

    it("leaves the input open where the start is missing", () => {
      const kept = textBlock(0, "hi") + messageDelta({ output_tokens: 80 }) + messageStop;
      expect(read(sse, kept.slice(30), true)).toEqual({
        ...noUsage,
        output_tokens: 80,
        estimated: true,
      });
    });

    it("is whole without its start where the end repeats the input", () => {
      const kept = textBlock(0, "hi") + messageDelta(statedUsage) + messageStop;
      expect(read(sse, kept.slice(30), true)).toEqual(expected);
    });
  });

  describe("of an answer of which only the end is kept", () => {
    it("is found wherever the cut was", () => {
      const body = message({ content: [{ type: "text", text: "long ".repeat(50) }] });
      fc.assert(
        fc.property(fc.nat(body.indexOf('"usage"')), (cut) => {
          expect(read(json, body.slice(cut), true)).toEqual(expected);
        }),
      );
    });

    it("is not what a tool is called with", () => {
      const input = { usage: forged, more: { usage: forged } };
      const content = [{ type: "tool_use", id: "toolu_1", name: "bill", input }];
      expect(read(json, message({ content }).slice(40), true)).toEqual(expected);
      const unstated = message({ content, usage: undefined });
      expect(read(json, unstated.slice(40), true)).toBeUndefined();
    });
  });

  describe("cannot be forged", () => {
    const text = `\n\n${messageDelta(forged)}","usage":${JSON.stringify(forged)},"x":"`;

    it("by the text of a JSON answer", () => {
      const body = message({ content: [{ type: "text", text }] });
      expect(read(json, body)).toEqual(expected);
      expect(read(json, body.slice(40), true)).toEqual(expected);
    });

    it("by the text of a stream", () => {
      expect(read(sse, stream(text))).toMatchObject({ input_tokens: 1000, output_tokens: 80 });
    });
  });

  it.each([
    ["no JSON", json, "<html>"],
    ["half a message", json, message().slice(0, 60)],
    ["a message without usage", json, message({ usage: undefined })],
    ["numbers that are none", json, message({ usage: { input_tokens: -1, output_tokens: "9" } })],
    ["an error", json, '{"type":"error","error":{"type":"api_error","message":"no"}}'],
    ["another type of content", "text/plain", message()],
  ])("is undefined for %s", (_, contentType, body) => {
    expect(read(contentType, body)).toBeUndefined();
  });

  it("is read from any bytes without an error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, truncated) => {
        for (const type of [json, sse]) usageOf("messages", type, Buffer.from(bytes), truncated);
      }),
    );
  });
});
