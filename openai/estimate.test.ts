import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { estimateInputTokens, mostInputTokens, outputTokens } from "./estimate";
import { RequestBody } from "./request-body";

const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const json = "application/json";
const sse = "text/event-stream";

describe("estimate", () => {
  describe("of a prompt", () => {
    it.each([
      ["four ASCII characters a token", { prompt: "x".repeat(400) }, 100],
      ["a token for each Hangul syllable", { prompt: "안녕하세요" }, 5],
      ["a token for each ideograph and kana", { prompt: "世界こんにちは" }, 7],
      ["two tokens for an emoji", { prompt: "🙂" }, 2],
      ["half a token for other letters", { prompt: "Привет" }, 3],
      ["mixed text by its characters", { prompt: "abcd세계" }, 3],
      ["four tokens more for each message", user("x".repeat(40)), 14],
      ["the text parts of a message", user([{ type: "text", text: "x".repeat(40) }]), 14],
      ["list of prompts", { prompt: ["x".repeat(40), "x".repeat(40)] }, 20],
      ["token ids", { input: [[1, 2, 3], [4]] }, 4],
      ["instructions and input of a response", { instructions: "abcd", input: "abcd" }, 2],
      [
        "the schema that an answer is to have",
        { prompt: "abcd", response_format: { json_schema: { description: "x".repeat(40) } } },
        11,
      ],
      ["the schema of a response", { text: { format: { schema: { title: "x".repeat(40) } } } }, 10],
      ["an answer that is foreseen", { prediction: { content: "x".repeat(40) } }, 10],
      ["an answer of at least one token", {}, 1],
    ])("counts %s", (_, fields, tokens) => {
      expect(estimateInputTokens(fields)).toBe(tokens);
    });

    it("counts again what was set since it counted, and nothing else", () => {
      const body = RequestBody.parse('{"model":"m","prompt":"abcdefgh"}') as RequestBody;
      const looked = vi.spyOn(RegExp.prototype, "test");
      expect(estimateInputTokens(body.value)).toBe(2);
      expect(looked).toHaveBeenCalledTimes(1);
      body.set("model", "another");
      expect(estimateInputTokens(body.value)).toBe(2);
      expect(looked).toHaveBeenCalledTimes(1);
      body.set("prompt", "abcd");
      expect(estimateInputTokens(body.value)).toBe(1);
      body.rename("prompt", "input");
      body.set("input", "abcdefghijkl");
      expect(estimateInputTokens(body.value)).toBe(3);
      vi.restoreAllMocks();
    });

    it("counts an image as such, however long its data", () => {
      const image = {
        type: "image_url",
        image_url: { url: `data:;base64,${"A".repeat(100_000)}` },
      };
      expect(estimateInputTokens(user([image]))).toBe(769);
    });

    const data = "A".repeat(1_500_000);
    it.each([
      ["a picture (Anthropic)", { type: "image", source: { type: "base64", data } }, 765],
      ["a document", { type: "document", source: { type: "base64", data } }, 1000],
      ["a film", { type: "video_url", video_url: { url: `data:video/mp4;base64,${data}` } }, 1000],
      ["a sound", { type: "audio_url", audio_url: { url: `data:audio/wav;base64,${data}` } }, 1000],
      ["a file", { type: "input_file", file_data: `data:application/pdf;base64,${data}` }, 1000],
      [
        "a picture in a tool's result",
        { type: "tool_result", content: [{ type: "image", source: { type: "base64", data } }] },
        765,
      ],
      [
        "a picture of a screen",
        { type: "computer_call_output", output: { type: "computer_screenshot", image_url: data } },
        765,
      ],
      ["a picture of an unknown part", { type: "x", url: `data:image/png;base64,${data}` }, 765],
      ["a file of an unknown part", { type: "x", x: { data } }, 1000],
      ["a picture by its own name", { type: "image_base64", image_base64: data }, 1000],
      [
        "a document by its address",
        { type: "document_url", document_url: `data:a/b;base64,${data}` },
        1000,
      ],
      [
        "pictures beside the text",
        { type: "x", images: [data, `data:image/png;base64,${data}`] },
        1765,
      ],
      ["a picture without a type", { image: data }, 1000],
      [
        "a text behind letters",
        { type: "x", data: `${"A".repeat(2000)} ${"word ".repeat(400)}` },
        1001,
      ],
      [
        "a text in a document",
        { type: "document", source: { type: "text", data: "x".repeat(400) } },
        100,
      ],
      ["a text of letters alone", { type: "text", text: data }, 375_000],
      ["a text that is not called one", { type: "x", data: "word ".repeat(800) }, 1000],
    ])("counts %s by what it is", (_, part, tokens) => {
      expect(estimateInputTokens({ input: [part] })).toBe(tokens);
    });

    it("counts a file or a sound as such", () => {
      const sound = { type: "input_audio", input_audio: { data: "A".repeat(100_000) } };
      expect(estimateInputTokens(user([sound]))).toBe(1004);
    });

    it("counts tools and leaves out what is no prompt", () => {
      const tools = [{ type: "function", function: { name: "abcd", description: "abcd" } }];
      expect(estimateInputTokens({ model: "x".repeat(400), user: "y".repeat(400), tools })).toBe(2);
    });

    it("reads a body nested deeper than the stack", () => {
      const input: unknown = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
      expect(estimateInputTokens({ input })).toBe(1);
    });
  });

  describe("of the most that a prompt can be", () => {
    const most = (content: unknown) => mostInputTokens(user(content));

    it("has a token for each byte of text, and more for each message", () => {
      expect(most("")).toBeGreaterThan(8);
      expect(most("x".repeat(100)) - most("")).toBe(100);
      expect(most("안녕하세요") - most("")).toBe(15);
    });

    it("counts names of members, numbers and token ids too", () => {
      const tools = [{ type: "function", function: { name: "f", parameters: { city: true } } }];
      expect(mostInputTokens({ tools })).toBeGreaterThan("typefunctionnamefparameterscity".length);
      expect(mostInputTokens({ prompt: [1, 22, 333] })).toBeGreaterThanOrEqual(3);
    });

    it("counts no data of images as text", () => {
      const url = `data:image/png;base64,${"A".repeat(100_000)}`;
      expect(most([{ type: "image_url", image_url: { url } }])).toBeLessThan(1000);
    });

    it("takes nesting without end", () => {
      let content: unknown = "x";
      for (let i = 0; i < 100_000; i++) content = [content];
      expect(most(content)).toBeGreaterThan(0);
    });
  });

  describe("of an answer that states no usage", () => {
    const outputOf = (contentType: string, text: string) =>
      outputTokens(contentType, Buffer.from(text));
    const forty = "x".repeat(40);

    it("counts the text, the thoughts and the tool calls of a chat", () => {
      const call = { id: "call_1", type: "function", function: { name: "abcd", arguments: forty } };
      const message = { role: "assistant", content: forty, reasoning_content: forty };
      const choice = {
        index: 0,
        message: { ...message, tool_calls: [call] },
        finish_reason: "stop",
      };
      expect(outputOf(json, JSON.stringify({ id: "chatcmpl-1", choices: [choice] }))).toBe(31);
    });

    it("counts the deltas of a cut chat stream", () => {
      const delta = `data: ${JSON.stringify({ choices: [{ delta: { content: forty } }] })}\n\n`;
      expect(outputOf(sse, `${delta}${delta}data: {"choices":[{"del`)).toBe(20);
    });

    it("counts a stream alike, however its events are spelt and ended", () => {
      const text = fc.array(
        fc.constantFrom("word", "세계", '"', "\\", "\n", '\\"', "é", "🙂", '"content":"x"', "[]"),
        { maxLength: 4 },
      );
      const delta = fc.record(
        {
          content: text.map((parts) => parts.join("")),
          refusal: text.map((parts) => parts.join("")),
        },
        { requiredKeys: ["content"] },
      );
      const chunk = (one: object) => ({ choices: [{ index: 0, delta: one }] });
      fc.assert(
        fc.property(fc.array(delta, { maxLength: 5 }), (deltas) => {
          const lines = deltas.map((one) => JSON.stringify(chunk(one)));
          const spaced = lines.map((line) =>
            JSON.stringify(JSON.parse(line), null, 1).replace(/\n */g, " "),
          );
          const stream = (some: string[], gap: string) =>
            outputOf(sse, [...some, "[DONE]"].map((data) => `data: ${data}${gap}`).join(""));
          const expected = stream(lines, "\r\n\r\n");
          expect(stream(lines, "\n\n")).toBe(expected);
          expect(stream(spaced, "\n\n")).toBe(expected);
        }),
      );
    });

    it("counts the text of a responses stream once", () => {
      const events = [
        { type: "response.output_text.delta", delta: forty },
        { type: "response.output_text.done", text: forty },
        { type: "response.completed", response: { output: [{ content: [{ text: forty }] }] } },
      ];
      expect(outputOf(sse, events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(""))).toBe(
        10,
      );
    });

    it("counts what is kept of a JSON answer", () => {
      expect(outputTokens(json, Buffer.from(forty), true)).toBe(10);
      const begun = '{"choices":[{"message":{"content":"';
      expect(outputOf(json, begun + forty)).toBe(Math.ceil((begun.length + 40) / 4));
    });

    it("is nothing in a page or a list of errors that come as JSON", () => {
      expect(outputOf(json, `<p>${forty}`)).toBe(0);
      expect(outputOf(json, JSON.stringify([{ error: { message: forty } }]))).toBe(0);
    });

    it("is told by what it holds, whatever type it is said to have", () => {
      const delta = `data: ${JSON.stringify({ choices: [{ delta: { content: forty } }] })}\n\n`;
      for (const type of ["", "text/plain", json, sse]) expect(outputOf(type, delta)).toBe(10);
      expect(outputOf("text/html", `<p>${forty}`)).toBe(0);
    });

    it("is a token for each byte that cannot be read", () => {
      expect(outputOf(sse, `\u0000${"x".repeat(39)}`)).toBe(40);
    });
  });
});
