import { describe, expect, it, vi } from "vitest";
import { noUsage } from "../models/usage";
import { estimateInputTokens, estimateUsage, mostInputTokens } from "./estimate";
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
      estimateUsage("chat/completions", contentType, Buffer.from(text), 5).output_tokens;
    const forty = "x".repeat(40);

    it("is marked, and takes the input as estimated before", () => {
      expect(estimateUsage("chat/completions", json, Buffer.from("{}"), 5)).toEqual({
        ...noUsage,
        input_tokens: 5,
        output_tokens: 0,
        cached_input_tokens: 0,
        reasoning_tokens: 0,
        estimated: true,
      });
    });

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
      expect(outputOf(json, forty)).toBe(10);
    });

    it("counts no output for embeddings", () => {
      const body = Buffer.from('{"data":[{"embedding":[1,2,3]}]}');
      expect(estimateUsage("embeddings", json, body, 5).output_tokens).toBe(0);
    });
  });
});
