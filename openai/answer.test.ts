import { describe, expect, it } from "vitest";
import type { AnswerFinding } from "../models/answer-finding";
import { answersLater, findingOf } from "./answer";

type AnswerState = AnswerFinding["state"];

const json = "application/json";
const sse = "text/event-stream";
const chat = "chat/completions";
const state = (endpoint: string, type: string, body: string, truncated = false) =>
  findingOf(endpoint, type, Buffer.from(body), truncated).state;
const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const spoken = event({ choices: [{ index: 0, delta: { role: "assistant", content: "hi" } }] });
const message = (fields: object) => JSON.stringify({ choices: [{ message: fields }] });

describe("openai", () => {
  describe("an answer with status 200", () => {
    it.each<[AnswerState, string, string]>([
      ["whole", chat, message({ role: "assistant", content: "hi" })],
      ["whole", chat, message({ role: "assistant", content: null, tool_calls: [{ id: "1" }] })],
      ["whole", chat, message({ role: "assistant", content: null, refusal: "No." })],
      ["whole", "completions", '{"choices":[{"text":"hi"}]}'],
      ["whole", "embeddings", '{"data":[{"embedding":[1]}]}'],
      ["whole", "responses", '{"status":"completed","error":null,"output":[{"type":"message"}]}'],
      [
        "whole",
        "responses",
        '{"status":"incomplete","error":null,"output":[{"type":"reasoning"}]}',
      ],
      ["whole", "moderations", '{"results":[{"flagged":false}]}'],
      ["whole", "rerank", '{"results":[{"index":0}]}'],
      ["whole", "rerank", '{"object":"list","data":[{"index":0}]}'],
      ["whole", "images/generations", '{"created":1,"data":[{"url":"x"}]}'],
      ["whole", "audio/transcriptions", '{"text":""}'],
      // Failures in the shapes of OpenAI and others.
      ["error", chat, '{"error":{"message":"overloaded","code":503}}'],
      ["error", chat, '{"error":"overloaded"}'],
      ["error", chat, '{"html-message":"Network connection lost."}'],
      ["error", chat, '{"code":1302,"msg":"too many at once","success":false}'],
      ["error", chat, '{"id":"","choices":null,"base_resp":{"status_code":1002}}'],
      ["error", chat, '{"detail":"the model is loading"}'],
      ["error", chat, '{"status":"error","choices":[]}'],
      ["error", chat, '{"object":"error","message":"x"}'],
      ["error", chat, '{"choices":[{"message":{"content":"h"},"finish_reason":"error"}]}'],
      ["error", chat, '{"choices":[{"message":{"content":""},"error":{"code":502}}]}'],
      ["error", chat, "{}"],
      ["error", chat, '[{"error":{"code":503,"status":"UNAVAILABLE"}}]'],
      ["whole", "audio/speech", "sound"],
      // Relays that fill the member where all is well.
      ["whole", chat, '{"error":{},"choices":[{"message":{"content":"hi"}}]}'],
      [
        "whole",
        chat,
        '{"error":{"message":"","type":"","param":"","code":null},"choices":[{"message":{"content":"hi"}}]}',
      ],
      ...["network_error", "insufficient_system_resource", "abort", "timeout"].map(
        (finish_reason): [AnswerState, string, string] => [
          ...(["error", chat] as const),
          JSON.stringify({ choices: [{ message: { content: "half" }, finish_reason }] }),
        ],
      ),
      ["whole", chat, '{"choices":[{"message":{"content":"h"},"finish_reason":"content_filter"}]}'],
      ["error", "embeddings", '{"code":"x","message":"y"}'],
      ["error", "responses", '{"status":"failed","error":{"code":"server_error"},"output":[]}'],
      ["empty", chat, '{"choices":[]}'],
      ["empty", chat, '{"choices":[null]}'],
      ["empty", chat, '{"choices":[{"index":0,"message":null,"finish_reason":"stop"}]}'],
      ["empty", chat, message({ role: "assistant", content: " \n" })],
      ["empty", chat, ""],
      ["empty", chat, message({ role: "assistant", content: "" })],
      ["empty", chat, message({ role: "assistant", content: null, tool_calls: [] })],
      ["empty", "completions", '{"choices":[{"text":""}]}'],
      ["empty", "images/generations", '{"data":[]}'],
      ["empty", "embeddings", '{"data":[{"index":0,"embedding":[]}]}'],
      ["empty", "embeddings", '{"data":[{"index":0,"embedding":null}]}'],
      ["whole", "embeddings", '{"data":[{"index":0,"embedding":"AAAA"}]}'],
      ["cut", chat, '{"choices":[{"mess'],
      ["later", "responses", '{"status":"queued","background":true,"error":null,"output":[]}'],
      ["later", "responses", '{"status":"in_progress","output":[]}'],
      ["later", "images/generations", '{"task_id":"7","status":"SUBMITTED"}'],
      ["later", chat, '{"request_id":"7"}'],
    ])("is %s: %s %s", (expected, endpoint, body) => {
      expect(state(endpoint, json, body)).toBe(expected);
      expect(state(endpoint, "", body)).toBe(expected);
    });

    it.each<[AnswerState, string, string]>([
      ["whole", "a stream with its end", `${spoken}data: [DONE]\n\n`],
      [
        "whole",
        "one whose vendor has no [DONE]",
        `${spoken}${event({ choices: [{ delta: {}, finish_reason: "stop" }] })}`,
      ],
      [
        "whole",
        "a tool call",
        `${event({ choices: [{ delta: { tool_calls: [{ index: 0 }] } }] })}data: [DONE]\n\n`,
      ],
      ["cut", "a stream without an end", spoken],
      ["cut", "nothing", ": ping\n\n"],
      [
        "empty",
        "an end without a word",
        `${event({ choices: [{ delta: { role: "assistant" } }] })}data: [DONE]\n\n`,
      ],
      ["error", "an error event", `${event({ error: { message: "overloaded" } })}data: [DONE]\n\n`],
      ["error", "an error after some words", `${spoken}${event({ error: "x" })}`],
      ["error", "a named error event", "event: error\ndata: {}\n\n"],
      [
        "error",
        "a choice that fails",
        `${spoken}${event({ choices: [{ delta: {}, finish_reason: "error" }] })}`,
      ],
      ["error", "a vendor's error", `${event({ code: 1302, msg: "busy" })}data: [DONE]\n\n`],
      ["error", "JSON in its place", '{"error":{"message":"overloaded"}}'],
      [
        "error",
        "a choice that lacked resources",
        `${spoken}${event({ choices: [{ finish_reason: "insufficient_system_resource" }] })}data: [DONE]\n\n`,
      ],
      [
        "error",
        "a vendor's error after some words",
        `${spoken}${event({ code: 500, msg: "busy" })}data: [DONE]\n\n`,
      ],
      [
        "error",
        "an object that says error",
        `${spoken}${event({ object: "error", message: "x" })}`,
      ],
      ["error", "an error as text", `${spoken}data: error: upstream gone\n\ndata: [DONE]\n\n`],
      [
        "whole",
        "a code that says that all is well",
        `${spoken}${event({ code: 0, msg: "ok" })}data: [DONE]\n\n`,
      ],
      [
        "whole",
        "an empty error beside its words",
        `${event({ error: { message: "", code: 0 }, choices: [{ delta: { content: "hi" } }] })}data: [DONE]\n\n`,
      ],
      ["error", "MiniMax's error", event({ choices: null, base_resp: { status_code: 1008 } })],
      [
        "error",
        "MiniMax's error after some words",
        `${spoken}${event({ choices: [], base_resp: { status_code: 1027 } })}`,
      ],
      [
        "error",
        "Groq's error after some words",
        `${spoken}${event({ x_groq: { error: "busy" } })}`,
      ],
      ["error", "an error beside no choices", event({ choices: [], code: "x", message: "busy" })],
      ["error", "llama.cpp's field of an error", `${spoken}error: {"code":500,"message":"x"}\n\n`],
      ["error", "a page", "<html>down</html>"],
      ["error", "a proxy's sentence", "upstream connect error"],
      ["cut", "white space that keeps a connection alive", "\n\n\n"],
      [
        "whole",
        "words in data of several lines",
        'data: {"choices":\ndata: [{"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n',
      ],
      ["whole", "one event behind a byte order mark", `\uFEFF${spoken}data: [DONE]\n\n`],
      ["empty", "no byte at all", ""],
    ])("is %s: %s", (expected, _, body) => {
      expect(state(chat, sse, body)).toBe(expected);
    });

    it.each([
      '{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}',
      '{"choices":[{"message":{"role":"assistant"},"finish_reason":"content_filter: SAFETY"}]}',
      '{"choices":[{"text":"","finish_reason":"length"}]}',
      '{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}',
    ])("is empty by what the client asked for: %s", (body) => {
      const endpoint = body.includes("output")
        ? "responses"
        : body.includes("text")
          ? "completions"
          : chat;
      const asked = { state: "empty", isClientsMistake: true };
      expect(findingOf(endpoint, json, Buffer.from(body), false)).toEqual(asked);
      const stream =
        endpoint === "responses"
          ? event({ type: "response.incomplete", response: JSON.parse(body) })
          : `data: ${body}\n\ndata: [DONE]\n\n`;
      expect(findingOf(endpoint, sse, Buffer.from(stream), false)).toEqual(asked);
    });

    it("is empty by itself where a model stopped without a word", () => {
      const body = '{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}';
      expect(findingOf(chat, json, Buffer.from(body), false)).toEqual({ state: "empty" });
    });

    it("is an error in a failed response, and whole in one that met its bound", () => {
      const delta = event({ type: "response.output_text.delta", delta: "hi" });
      const end = (type: string, error: object | null) => event({ type, response: { error } });
      const failed = end("response.failed", { code: "server_error" });
      expect(state("responses", sse, delta + failed)).toBe("error");
      expect(state("responses", sse, delta + end("response.incomplete", null))).toBe("whole");
    });

    it("is done later where a background response left its stream", () => {
      const of = (type: string, response: object) => event({ type, response });
      const queued = of("response.queued", { status: "queued" });
      const created = of("response.created", { background: true, status: "in_progress" });
      const delta = event({ type: "response.output_text.delta", delta: "hi" });
      expect(state("responses", sse, queued)).toBe("later");
      expect(state("responses", sse, created + delta)).toBe("later");
      expect(state("responses", sse, created + delta + of("response.completed", {}))).toBe("whole");
    });

    it.each([
      ["audio/transcriptions", [{ type: "transcript.text.done", text: "" }]],
      [
        "audio/transcriptions",
        [
          { type: "transcript.text.delta", delta: "hi" },
          { type: "transcript.text.done", text: "hi" },
        ],
      ],
      // Mistral.
      [
        "audio/transcriptions",
        [
          ...Array.from({ length: 9 }, () => ({ type: "transcription.text.delta", text: "hi" })),
          { type: "transcription.done", text: "hi" },
        ],
      ],
      [
        "audio/speech",
        [{ type: "speech.audio.delta", audio: "AA" }, { type: "speech.audio.done" }],
      ],
      ["images/generations", [{ type: "image_generation.completed", b64_json: "AA" }]],
      ["images/edits", [{ type: "image_edit.completed", b64_json: "AA" }]],
    ])("is whole where a stream of %s ends as its API says, without [DONE]", (endpoint, events) => {
      expect(state(endpoint, sse, events.map(event).join(""))).toBe("whole");
      expect(state(endpoint, sse, event({ ...events[0], type: "begun" }))).toBe("cut");
    });

    it("is whole where its last event is longer than what was kept", () => {
      const tail = ',"tools":[],"usage":{"input_tokens":1,"output_tokens":2}}}\n\n';
      expect(state("responses", sse, tail, true)).toBe("whole");
      expect(state("images/generations", sse, 'AAAA","usage":{}}\n\n', true)).toBe("whole");
    });

    it("is taken for whole where only its end is known", () => {
      expect(state(chat, json, 'x"}}],"usage":{}}', true)).toBe("whole");
      expect(state(chat, sse, 'ntent":"x"}}]}\n\ndata: [DONE]\n\n', true)).toBe("whole");
      expect(state(chat, sse, `nt":"x"}}]}\n\n${spoken}`, true)).toBe("cut");
    });

    it("is a page or nothing, where JSON was asked for; a sound, where one was", () => {
      expect(state(chat, "text/html", "<html>Bad gateway</html>")).toBe("error");
      expect(state(chat, json, "<html>Bad gateway</html>")).toBe("error");
      expect(state("audio/speech", "text/html", "<html>Bad gateway</html>")).toBe("error");
      expect(state("audio/transcriptions", "text/html", "<html>Bad gateway</html>")).toBe("error");
      expect(state(chat, "text/html", "")).toBe("empty");
      expect(state("audio/speech", "audio/mpeg", "\u00ff\u00fb")).toBe("whole");
      expect(state("audio/transcriptions", "text/plain", "hello")).toBe("whole");
      expect(state("audio/speech", json, '{"error":{"message":"x"}}')).toBe("error");
    });

    it.each([
      ['{"error":{"message":"too long","code":"context_length_exceeded"}}', true],
      ['{"error":{"type":"invalid_request_error"}}', true],
      ['{"error":{"code":400}}', true],
      ['{"error":{"code":"404"}}', true],
      ['{"error":{"code":429}}', false],
      ['{"error":{"code":503,"type":"invalid_request_error"}}', false],
      ['{"error":{"message":"overloaded"}}', false],
      ['{"detail":"the model is loading"}', false],
    ])("tells of %s whether its client made the mistake: %s", (body, isClientsMistake) => {
      expect(findingOf(chat, json, Buffer.from(body), false)).toEqual({
        state: "error",
        isClientsMistake,
      });
    });
  });

  it("an answer before its work is done says so", () => {
    expect(answersLater({ status: "queued" })).toBe(true);
    expect(answersLater({ status: "completed" })).toBe(false);
    expect(answersLater(undefined)).toBe(false);
  });
});
