import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { noUsage, type Usage } from "../models/usage";
import { statementIn, usageOf } from "./usage";

const json = "application/json; charset=utf-8";
const sse = "text/event-stream; charset=utf-8";

const chatUsage = {
  prompt_tokens: 1200,
  completion_tokens: 80,
  total_tokens: 1280,
  prompt_tokens_details: { cached_tokens: 1024, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 64, audio_tokens: 0 },
};
const responsesUsage = {
  input_tokens: 1200,
  input_tokens_details: { cached_tokens: 1024 },
  output_tokens: 80,
  output_tokens_details: { reasoning_tokens: 64 },
  total_tokens: 1280,
};
const expected: Usage = {
  ...noUsage,
  input_tokens: 1200,
  output_tokens: 80,
  cached_input_tokens: 1024,
  reasoning_tokens: 64,
};
const forged = '","usage":{"prompt_tokens":9,"completion_tokens":9},"x":"';

function chat(content: string): string {
  const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
  return JSON.stringify({ id: "chatcmpl-1", choices, usage: chatUsage }, null, 2);
}

function chatStream(content: string): string {
  const delta = { choices: [{ index: 0, delta: { content } }], usage: null };
  const last = { choices: [], usage: chatUsage };
  return `data: ${JSON.stringify(delta)}\n\ndata: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`;
}

function responsesStream(text: string): string {
  const tools = [{ parameters: { properties: { usage: { type: "object" } } } }];
  const response = {
    output: [{ content: [{ text }] }],
    tools,
    usage: responsesUsage,
    metadata: {},
  };
  const begun = { type: "response.created", response: { output: [], usage: null } };
  const ended = { type: "response.completed", response };
  return [begun, ended]
    .map((event) => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`)
    .join("");
}

describe("usage", () => {
  describe("counts the searches of the web that the upstream made", () => {
    const call = (type?: string) => ({ type: "web_search_call", action: type && { type } });
    const output = [call(), call("search"), call("open_page"), { type: "message", content: [] }];

    it.each<[string, "responses" | "chat/completions", string, string, number]>([
      ["in an answer", "responses", json, JSON.stringify({ output, usage: responsesUsage }), 2],
      [
        "at the end of a stream",
        "responses",
        sse,
        `data: ${JSON.stringify({ type: "response.completed", response: { output, usage: responsesUsage } })}\n\n`,
        2,
      ],
      [
        "where OpenRouter says how many",
        "chat/completions",
        json,
        JSON.stringify({
          ...{ choices: [] },
          usage: { ...chatUsage, server_tool_use: { web_search_requests: 3 } },
        }),
        3,
      ],
      [
        "where Perplexity does",
        "chat/completions",
        json,
        JSON.stringify({ choices: [], usage: { ...chatUsage, num_search_queries: 4 } }),
        4,
      ],
      [
        "where xAI does, which also searches its own posts",
        "responses",
        json,
        JSON.stringify({
          output: [{ type: "custom_tool_call", name: "x_keyword_search" }],
          usage: {
            ...responsesUsage,
            server_side_tool_usage_details: { web_search_calls: 2, x_search_calls: 3 },
          },
        }),
        5,
      ],
    ])("%s", (_, endpoint, type, body, web_searches) => {
      const usage = usageOf(endpoint, type, Buffer.from(body), false);
      expect(usage).toEqual({ ...expected, web_searches });
    });
  });

  describe("is found", () => {
    it("in a chat answer", () => {
      expect(usageOf("chat/completions", json, Buffer.from(chat("hi")), false)).toEqual(expected);
    });

    it("in the last chunk of a chat stream", () => {
      const body = Buffer.from(chatStream("hi"));
      expect(usageOf("chat/completions", sse, body, false)).toEqual(expected);
    });

    it("in the last of several running sums", () => {
      const running = { choices: [], usage: { prompt_tokens: 1200, completion_tokens: 1 } };
      const body = Buffer.from(`data: ${JSON.stringify(running)}\n\n${chatStream("hi")}`);
      expect(usageOf("completions", sse, body, false)).toEqual(expected);
    });

    it("of the prompt in one event and of the answer in another one", () => {
      const prompt = { prompt_tokens: 100, prompt_tokens_details: { cached_tokens: 40 } };
      const told = (...usages: object[]) => {
        const events = usages.map((usage) => `data: ${JSON.stringify({ choices: [], usage })}\n\n`);
        const body = Buffer.from(`${events.join("")}data: [DONE]\n\n`);
        return usageOf("chat/completions", sse, body, false);
      };
      const both = { input_tokens: 100, cached_input_tokens: 40, output_tokens: 7 };
      expect(told(prompt, { completion_tokens: 7 })).toMatchObject({ ...both, estimated: false });
      expect(told(prompt, { completion_tokens: 2 }, { completion_tokens: 7 })).toMatchObject(both);
      expect(told({ completion_tokens: 7 }, prompt)).toMatchObject({ ...both, estimated: false });
      const thought = { completion_tokens: 7, completion_tokens_details: { reasoning_tokens: 3 } };
      expect(told(prompt, thought)).toMatchObject({ ...both, reasoning_tokens: 3 });
      expect(told({ completion_tokens: 7 })).toMatchObject({ input_tokens: 0, output_tokens: 7 });
    });

    it("in a response and at the end of its stream", () => {
      const body = Buffer.from(JSON.stringify({ object: "response", usage: responsesUsage }));
      expect(usageOf("responses", json, body, false)).toEqual(expected);
      const stream = Buffer.from(responsesStream("hi"));
      expect(usageOf("responses", sse, stream, false)).toEqual(expected);
    });

    it("in embeddings, which have no output", () => {
      const body = Buffer.from('{"data":[],"usage":{"prompt_tokens":7,"total_tokens":7}}');
      expect(usageOf("embeddings", json, body, false)).toEqual({
        ...noUsage,
        input_tokens: 7,
        output_tokens: 0,
        cached_input_tokens: 0,
        reasoning_tokens: 0,
        estimated: false,
      });
    });

    it("with the cached tokens as DeepSeek names them", () => {
      const usage = { prompt_tokens: 10, completion_tokens: 1, prompt_cache_hit_tokens: 8 };
      const body = Buffer.from(JSON.stringify({ usage }));
      expect(usageOf("chat/completions", json, body, false)?.cached_input_tokens).toBe(8);
    });
  });

  describe("is found wherever a vendor puts it", () => {
    const usage = { prompt_tokens: 100, completion_tokens: 400, total_tokens: 500 };
    const counted = { input_tokens: 100, output_tokens: 400, estimated: false };
    const stream = (...events: object[]) =>
      `${events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join("")}data: [DONE]\n\n`;
    const hello = { choices: [{ delta: { content: "hello" }, finish_reason: null }] };

    it.each([
      ["in the last choice (Moonshot)", stream(hello, { choices: [{ delta: {}, usage }] })],
      ["in x_groq (Groq)", stream(hello, { choices: [], x_groq: { id: "r", usage } })],
      [
        "before placeholders of zeros",
        stream(hello, { choices: [], usage }, { choices: [], usage: { prompt_tokens: 0 } }),
      ],
      ["before a null", stream({ choices: [], usage }, { ...hello, usage: null })],
      ["in a JSON answer's choice", JSON.stringify({ choices: [{ usage }] })],
    ])("%s", (_, body) => {
      for (const type of [sse, json, "", "text/plain"]) {
        const found = usageOf("chat/completions", type, Buffer.from(body), false);
        expect(found).toMatchObject(counted);
      }
    });

    it.each([
      ["Gemini", { usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 4 } }],
      [
        "Bedrock",
        { "amazon-bedrock-invocationMetrics": { inputTokenCount: 3, outputTokenCount: 4 } },
      ],
      ["llama.cpp", { timings: { prompt_n: 1, cache_n: 2, predicted_n: 4 } }],
      ["Ollama", { prompt_eval_count: 3, eval_count: 4 }],
      ["Cohere", { usage: { billed_units: { input_tokens: 3, output_tokens: 4 } } }],
      ["Moonshot", { choices: [{ usage: { prompt_tokens: 3, completion_tokens: 4 } }] }],
    ])("where %s states it, in JSON and in a stream", (_, more) => {
      const answer = JSON.stringify({ choices: [], ...more });
      const stream = `data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: ${answer}\n\n`;
      const found = { input_tokens: 3, output_tokens: 4, estimated: false };
      const of = (type: string, body: string) =>
        usageOf("chat/completions", type, Buffer.from(body), false);
      expect(of(json, answer)).toMatchObject(found);
      expect(of(json, `\uFEFF${answer}`)).toMatchObject(found);
      expect(of(sse, stream)).toMatchObject(found);
    });

    it("with a tier that stands in another chunk, or in the usage", () => {
      const usage = { prompt_tokens: 3, completion_tokens: 4 };
      const first = '{"choices":[{"delta":{"content":"x"}}],"service_tier":"flex"}';
      const stream = `data: ${first}\n\ndata: ${JSON.stringify({ choices: [], usage })}\n\n`;
      const inside = JSON.stringify({ usage: { ...usage, service_tier: "flex" } });
      for (const [type, body] of [
        [sse, stream],
        [json, inside],
      ] as const) {
        const found = usageOf("chat/completions", type, Buffer.from(body), false);
        expect(found?.service_tier).toBe("flex");
      }
    });

    it("with the tier that served", () => {
      const answer = { choices: [], usage, service_tier: "flex" };
      for (const [body, truncated] of [
        [JSON.stringify(answer), false],
        [JSON.stringify(answer).slice(1), true],
        [stream(answer), false],
      ] as const) {
        const found = usageOf("chat/completions", "", Buffer.from(body), truncated);
        expect(found).toMatchObject({ ...counted, service_tier: "flex" });
      }
      const response = {
        type: "response.completed",
        response: { usage, service_tier: "priority" },
      };
      expect(usageOf("responses", sse, Buffer.from(stream(response)), false)).toMatchObject({
        service_tier: "priority",
      });
    });

    it("without a tier where it names an empty one", () => {
      const answer = JSON.stringify({ choices: [], usage, service_tier: "" });
      const found = usageOf("chat/completions", "", Buffer.from(answer), false);
      expect(found).toMatchObject(counted);
      expect(found?.service_tier).toBeUndefined();
    });

    it("without its output, where more is said behind it than it counts", () => {
      const begun = { choices: [], usage: { ...usage, completion_tokens: 1, total_tokens: 101 } };
      const body = Buffer.from(`data: ${JSON.stringify(begun)}\n\n${stream(hello, hello)}`);
      const statement = statementIn("chat/completions", sse, body, false);
      expect(statement).toMatchObject({ input: 100 });
      expect(statement?.output).toBeUndefined();
    });

    it("without parsing the events before it", () => {
      const parse = vi.spyOn(JSON, "parse");
      const events = Array.from({ length: 200 }, () => ({ ...hello, usage: null }));
      const body = Buffer.from(stream(...events, { choices: [], usage }));
      expect(usageOf("chat/completions", sse, body, false)).toMatchObject(counted);
      expect(parse).toHaveBeenCalledTimes(1);
      parse.mockRestore();
    });

    it("in CRLF streams and those that end lines with CR alone", () => {
      for (const end of ["\r\n", "\r"]) {
        const body = Buffer.from(stream(hello, { choices: [], usage }).replaceAll("\n", end));
        expect(usageOf("chat/completions", sse, body, false)).toMatchObject(counted);
      }
    });
  });

  describe("of other endpoints", () => {
    const read = (endpoint: Parameters<typeof usageOf>[0], value: object) =>
      usageOf(endpoint, json, Buffer.from(JSON.stringify(value)), false);

    it("counts pictures, and their tokens where they are stated", () => {
      const data = [{ url: "a" }, { url: "b" }];
      expect(read("images/generations", { data })).toEqual({ ...noUsage, images: 2 });
      const usage = { input_tokens: 10, output_tokens: 4000, total_tokens: 4010 };
      expect(read("images/edits", { data, usage })).toMatchObject({
        ...{ images: 2, input_tokens: 10, output_tokens: 4000 },
      });
      const event = { type: "image_generation.completed", b64_json: "x", usage };
      const body = Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      expect(usageOf("images/generations", sse, body, false)).toMatchObject({
        ...{ images: 1, output_tokens: 4000 },
      });
    });

    it("counts the time or the tokens of a transcript", () => {
      const usage = { type: "duration", seconds: 7 };
      expect(read("audio/transcriptions", { text: "hi", usage })).toEqual({
        ...noUsage,
        audio_seconds: 7,
      });
      expect(read("audio/transcriptions", { text: "hi", usage: { seconds: 9.2 } })).toEqual({
        ...noUsage,
        audio_seconds: 9.2,
      });
      expect(read("audio/translations", { text: "hi", duration: 7.5 })).toMatchObject({
        audio_seconds: 7.5,
      });
      const tokens = {
        ...{ type: "tokens", input_tokens: 14, output_tokens: 45, total_tokens: 59 },
        input_token_details: { text_tokens: 0, audio_tokens: 14 },
      };
      expect(read("audio/transcriptions", { text: "hi", usage: tokens })).toMatchObject({
        ...{ input_tokens: 14, output_tokens: 45, audio_input_tokens: 14 },
      });
    });

    it("reads what a sound that comes in events states", () => {
      const usage = { input_tokens: 14, output_tokens: 101, total_tokens: 115 };
      const body = `data: ${JSON.stringify({ type: "speech.audio.done", usage })}\n\n`;
      const of = (type: string) => usageOf("audio/speech", type, Buffer.from(body), false);
      expect(of(sse)).toMatchObject({ input_tokens: 14, output_tokens: 101, estimated: false });
      expect(of("audio/mpeg")).toBeUndefined();
    });

    it("reads what a reranking states", () => {
      expect(read("rerank", { results: [], usage: { total_tokens: 9 } })).toMatchObject({
        ...{ input_tokens: 9, output_tokens: 0, estimated: false },
      });
      expect(read("rerank", { results: [], meta: { tokens: { input_tokens: 9 } } })).toMatchObject({
        input_tokens: 9,
      });
      expect(read("moderations", { results: [] })).toBeUndefined();
    });
  });

  describe("when only the end of the answer was kept", () => {
    it.each([
      ["a chat answer", "chat/completions", json, chat],
      ["a chat stream", "chat/completions", sse, chatStream],
      ["a responses stream", "responses", sse, responsesStream],
    ] as const)(
      "is the same as in the whole %s, wherever it was cut",
      (_, endpoint, type, make) => {
        fc.assert(
          fc.property(fc.string({ unit: "binary" }), fc.nat({ max: 1000 }), (text, cut) => {
            const whole = Buffer.from(make(text + forged));
            // As long as the usage itself is kept.
            const tail = whole.subarray(Math.min(cut, whole.lastIndexOf('"usage"')));
            expect(usageOf(endpoint, type, whole, false)).toEqual(expected);
            expect(usageOf(endpoint, type, tail, true)).toEqual(expected);
          }),
        );
      },
      20_000,
    );

    it("is billed by the tier that a response names before its tools, and by none of their schemas", () => {
      const schema = { properties: { service_tier: { service_tier: "flex" } } };
      const response = {
        ...{ object: "response", output: [{ text: "long ".repeat(50) }], service_tier: "priority" },
        ...{ tools: [{ name: "bill", parameters: schema }], usage: responsesUsage },
        metadata: { service_tier: "flex" },
      };
      const body = (answer: object) => JSON.stringify(answer).slice(60);
      const of = (type: string, text: string) =>
        usageOf("responses", type, Buffer.from(text), true)?.service_tier;
      expect(of(json, body(response))).toBe("priority");
      expect(of(sse, `${body(response)}}\n\n`)).toBe("priority");
      const untold = body({ ...response, service_tier: undefined });
      expect(of(json, untold)).toBeUndefined();
      expect(of(sse, `${untold}}\n\n`)).toBeUndefined();
    });

    it("has the tier that stands before it in its chunk", () => {
      const last = { service_tier: "priority", choices: [], usage: chatUsage };
      const tail = Buffer.from(`t":"..."}}]}\n\ndata: ${JSON.stringify(last)}\n\ndata: [DONE]\n\n`);
      expect(usageOf("chat/completions", sse, tail, true)).toEqual({
        ...expected,
        service_tier: "priority",
      });
    });

    it("has the searches of the web that the last event repeats", () => {
      const response = { output: [{ type: "web_search_call" }], usage: responsesUsage };
      const last = JSON.stringify({ type: "response.completed", response });
      const tail = Buffer.from(`":"..."}\n\nevent: response.completed\ndata: ${last}\n\n`);
      expect(usageOf("responses", sse, tail, true)).toEqual({ ...expected, web_searches: 1 });
    });

    it("is unknown when the end has none, whatever the text says", () => {
      const tail = Buffer.from(JSON.stringify({ text: `${forged}{"usage":{"prompt_tokens":1}}` }));
      expect(usageOf("chat/completions", json, tail.subarray(5), true)).toBeUndefined();
    });

    it("is found among many that are none", () => {
      const tail = Buffer.from(`${chat("")}${'"usage":{'.repeat(7000)}`);
      expect(usageOf("chat/completions", json, tail, true)).toEqual(expected);
    });
  });

  describe("is unknown", () => {
    it.each([
      ["in an answer without it", "chat/completions", json, '{"choices":[]}'],
      ["in a stream without it", "chat/completions", sse, "data: [DONE]\n\n"],
      ["when it is null", "chat/completions", json, '{"usage":null}'],
      ["when it counts nothing that we know", "chat/completions", json, '{"usage":{"seconds":3}}'],
      ["when its numbers are none", "completions", json, '{"usage":{"prompt_tokens":-1}}'],
      ["in half a JSON answer", "chat/completions", json, '{"choices":[{"mess'],
      ["in a list", "chat/completions", json, "[1]"],
      ["in a page", "chat/completions", "text/html", `<p>${chat("hi")}`],
      ["in zeros that stand for it", "completions", json, '{"usage":{"prompt_tokens":0}}'],
      ["at an endpoint that names no model", "models", json, chat("hi")],
    ] as const)("%s", (_, endpoint, type, text) => {
      expect(usageOf(endpoint, type, Buffer.from(text), false)).toBeUndefined();
    });
  });
});
