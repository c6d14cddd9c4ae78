import { describe, expect, it } from "vitest";
import { estimateInputTokens, mostInputTokens, outputTokens } from "./estimate";
import { event, json, message, messageStart, sse, textBlock } from "./message.fixture";

const words = "four words of text..";
const user = (content: unknown) => ({ messages: [{ role: "user", content }] });
const image = { type: "image", source: { type: "url", url: "https://pictures.example/a.png" } };

/** How much more a request is estimated for this block. */
function tokensOf(block: object): number {
  return estimateInputTokens(user([block])) - estimateInputTokens(user([]));
}

function mostOf(block: object): number {
  return mostInputTokens(user([block])) - mostInputTokens(user([]));
}

describe("estimate", () => {
  describe("of a prompt", () => {
    it("counts system, messages and tools, and nothing else", () => {
      const fields = { model: "m", max_tokens: 9, ...user(words) };
      const plain = estimateInputTokens(fields);
      expect(plain).toBeGreaterThanOrEqual(5);
      expect(plain).toBeLessThan(12);
      expect(estimateInputTokens({ ...fields, system: words })).toBe(plain + 5);
      expect(estimateInputTokens({ ...fields, metadata: { user_id: words } })).toBe(plain);
    });

    it("counts Korean by the character", () => {
      const korean = estimateInputTokens({ system: "안녕하세요", ...user("") });
      expect(korean - estimateInputTokens({ system: "", ...user("") })).toBe(5);
    });

    it("counts the schemas of tools with the words of their members, and how tools are told", () => {
      const schema = { type: "object", properties: { temperature_in_celsius: { type: "number" } } };
      const tools = [{ name: "weather", description: words, input_schema: schema }];
      const more = estimateInputTokens({ ...user("hi"), tools }) - estimateInputTokens(user("hi"));
      expect(more).toBeGreaterThan(346 + 15);
      expect(more).toBeLessThan(346 + 50);
      expect(estimateInputTokens({ ...user("hi"), tools: [] })).toBe(
        estimateInputTokens(user("hi")),
      );
    });

    it("does not count the marks of the prompt cache", () => {
      const text = { type: "text", text: words };
      const marked = { ...text, cache_control: { type: "ephemeral", ttl: "1h" } };
      expect(tokensOf(marked)).toBe(tokensOf(text));
    });

    it("counts thinking and not what proves it", () => {
      const block = { type: "thinking", thinking: words, signature: "s".repeat(4000) };
      expect(tokensOf(block)).toBeLessThan(15);
    });

    it.each([
      ["by address", { type: "url", url: "https://pictures.example/a.png" }],
      ["by id", { type: "file", file_id: "file_1" }],
      ["in full", { type: "base64", media_type: "image/png", data: "A".repeat(900_000) }],
    ])("takes a picture for as much as a large one, %s", (_, source) => {
      expect(tokensOf({ type: "image", source })).toBe(1568);
      expect(mostOf({ type: "image", source })).toBe(4784);
    });

    it("finds the picture in the result of a tool", () => {
      const content = [{ type: "text", text: words }, image];
      const result = { type: "tool_result", tool_use_id: "toolu_1", content };
      expect(tokensOf(result)).toBeGreaterThan(1568);
      expect(tokensOf(result)).toBeLessThan(1600);
    });

    it("takes documents for their length, and text for text", () => {
      const pdf = (data: string) => ({
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data },
      });
      expect(tokensOf(pdf("A".repeat(4)))).toBe(2400);
      expect(tokensOf(pdf("A".repeat(800_000)))).toBe(150_000);
      expect(tokensOf({ type: "document", source: { type: "file", file_id: "f" } })).toBe(25_000);
      const text = { type: "text", media_type: "text/plain", data: words };
      expect(tokensOf({ type: "document", source: text })).toBeLessThan(25);
      const parts = { type: "content", content: [image] };
      expect(tokensOf({ type: "document", source: parts })).toBeGreaterThan(1568);
    });

    it("counts again once a member was replaced", () => {
      const fields: Record<string, unknown> = user("hi");
      const before = estimateInputTokens(fields);
      expect(estimateInputTokens(fields)).toBe(before);
      fields.system = words.repeat(10);
      expect(estimateInputTokens(fields)).toBe(before + 50);
    });

    it("takes nesting that would overflow a stack, and any values", () => {
      let nested: unknown = "x";
      for (let depth = 0; depth < 20_000; depth++) nested = [nested];
      expect(estimateInputTokens({ messages: nested })).toBe(1);
      expect(estimateInputTokens({ messages: 7, system: null, tools: true })).toBe(2);
      expect(estimateInputTokens({})).toBe(1);
    });
  });

  describe("of the most that a prompt can be", () => {
    it("is a token for each byte at least", () => {
      const prompt = { ...user("세계".repeat(100)), system: "x".repeat(500) };
      expect(mostInputTokens(prompt)).toBeGreaterThan(600 + 500);
    });

    it("is above the estimate", () => {
      const tools = [{ name: "weather", input_schema: { type: "object" } }];
      const prompt = { ...user([{ type: "text", text: words }, image]), tools, system: words };
      expect(mostInputTokens(prompt)).toBeGreaterThan(estimateInputTokens(prompt));
    });
  });

  describe("of an answer", () => {
    const of = (type: string, body: string) => outputTokens(type, Buffer.from(body));

    it("counts what a cut stream has said", () => {
      const thinking = { type: "thinking_delta", thinking: words };
      const input = { type: "input_json_delta", partial_json: '{"city": "Seoul"' };
      const body =
        messageStart() +
        event("content_block_delta", { index: 0, delta: thinking }) +
        textBlock(1, words, words) +
        event("content_block_delta", { index: 2, delta: input });
      expect(of(sse, body)).toBe(15 + 4);
    });

    it("counts text, thinking and calls of tools of a message", () => {
      const content = [
        { type: "thinking", thinking: words, signature: "s".repeat(400) },
        { type: "text", text: words },
        { type: "tool_use", id: "toolu_1", name: "look", input: { at: words } },
      ];
      const tokens = of(json, message({ content, usage: null }));
      expect(tokens).toBeGreaterThanOrEqual(16);
      expect(tokens).toBeLessThan(19);
    });

    it("counts half a message as text, and what is no message as nothing", () => {
      expect(of(json, '{"content":[{"type":"tex')).toBe(6);
      expect(of("text/html", "<html>")).toBe(0);
    });
  });
});
