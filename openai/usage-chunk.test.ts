import { describe, expect, it } from "vitest";
import { isUsageChunk, withoutUsageChunk } from "./usage-chunk";

const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
const chunk = JSON.stringify({ id: "c", choices: [], usage });

describe("openai", () => {
  describe("the usage chunk that only the gateway has asked for", () => {
    it("is known by its empty choices and its usage", () => {
      expect(isUsageChunk(chunk)).toBe(true);
      expect(isUsageChunk(JSON.stringify({ choices: [], usage }, null, 1))).toBe(true);
      expect(isUsageChunk(JSON.stringify({ choices: null, usage }))).toBe(true);
      expect(isUsageChunk(JSON.stringify({ id: "c", usage }))).toBe(true);
      expect(isUsageChunk(JSON.stringify({ error: null, choices: [], usage }))).toBe(true);
    });

    it.each([
      "[DONE]",
      JSON.stringify({ choices: [{ delta: { content: '"choices":[] "usage":{' } }], usage }),
      JSON.stringify({ choices: [], usage: null }),
      JSON.stringify({ error: { message: "x" }, usage }),
      JSON.stringify({ choices: [{ delta: {} }], usage }),
      // Azure's first chunk tells how the prompt was filtered.
      JSON.stringify({ choices: [], prompt_filter_results: [] }),
      '{"choices":[],"usage":{',
    ])("is not %s", (data) => {
      expect(isUsageChunk(data)).toBe(false);
    });

    it.each(["\n", "\r\n", "\r"])(
      "is taken out of a kept stream whose lines end with %j",
      (end) => {
        const events = [
          'data: {"choices":[{"delta":{"content":"hi"}}]}',
          `data: ${chunk}`,
          "data: [DONE]",
        ];
        const stream = (some: string[]) => some.map((one) => one + end + end).join("");
        const kept = withoutUsageChunk(Buffer.from(stream(events)));
        expect(kept.toString()).toBe(stream([events[0]!, events[2]!]));
        const together = Buffer.from(events.map((one) => one + end).join(""));
        expect(withoutUsageChunk(together)).toEqual(together);
      },
    );
  });
});
