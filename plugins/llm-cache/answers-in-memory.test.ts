import { describe, expect, it, vi } from "vitest";
import { entryOf, read } from "../../test/support/answers";
import { answersInMemory } from "./answers-in-memory";

const mebibyte = 1_048_576;

describe("llm-cache", () => {
  describe("answers in memory", () => {
    it("forgets an entry when its time is over", async () => {
      const clock = vi.spyOn(performance, "now").mockReturnValue(5000);
      try {
        const answers = answersInMemory(mebibyte);
        await answers.keep("short", entryOf("{}"), 1000);
        clock.mockReturnValue(6000);
        expect(await read(answers, "short")).toBeDefined();
        clock.mockReturnValue(6001);
        expect(await read(answers, "short")).toBeUndefined();
      } finally {
        clock.mockRestore();
      }
    });

    it("keeps the bytes of its own, not those around them", async () => {
      const batch = Buffer.from('{"a":1}{"b":2}');
      const entry = { ...entryOf(""), body: batch.subarray(0, 7) };
      await answersInMemory(mebibyte).keep("slice", entry, 60_000);
      batch.fill(0);
      expect((await read(answersInMemory(mebibyte), "slice"))?.body.toString()).toBe('{"a":1}');
    });

    it("stays below the largest bound in bytes, the oldest leaving first", async () => {
      const answers = answersInMemory(64 * mebibyte);
      answersInMemory(mebibyte);
      const body = Buffer.alloc(mebibyte, "x");
      for (let at = 0; at < 64; at++) await answers.keep(`big ${at}`, entryOf(body), 60_000);
      const kept = await Promise.all(
        Array.from({ length: 64 }, (_, at) => read(answers, `big ${at}`)),
      );
      // Each entry takes a little more than its body.
      expect(kept.map((entry) => entry !== undefined)).toEqual([false, ...Array(63).fill(true)]);
    });

    it("keeps what it holds when a config asks for more", async () => {
      await answersInMemory(mebibyte).keep("kept", entryOf("{}"), 60_000);
      const larger = answersInMemory(128 * mebibyte);
      expect(await read(larger, "kept")).toEqual(entryOf("{}"));
    });
  });
});
