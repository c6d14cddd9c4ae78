import { describe, expect, it } from "vitest";
import { countTokens, PromptCache } from "./prompt-cache";

const long = "word ".repeat(1100);
const mark = { type: "ephemeral" };
const hourMark = { ...mark, ttl: "1h" };
const minute = 60_000;

const hello = [{ role: "user", content: "Hello there you" }];
const marked = (text: string, cache_control: object = mark) => ({
  type: "text",
  text,
  cache_control,
});
const asked = { model: "m", system: [marked(long)], messages: hello };
const nothing = { plain: 0, read: 0, written5m: 0, written1h: 0 };

describe("prompt-cache", () => {
  it("writes a marked beginning once, and reads it while it is kept", () => {
    const cache = new PromptCache();
    expect(cache.take(asked, 0)).toEqual({ ...nothing, plain: 3, written5m: 1100 });
    expect(cache.take(asked, 4 * minute)).toEqual({ ...nothing, plain: 3, read: 1100 });
    // To be read keeps it for as long again.
    expect(cache.take(asked, 8 * minute)).toEqual({ ...nothing, plain: 3, read: 1100 });
    expect(cache.take(asked, 14 * minute)).toEqual({ ...nothing, plain: 3, written5m: 1100 });
  });

  it("keeps each model's for itself, and nothing when it was cleared", () => {
    const cache = new PromptCache();
    cache.take(asked, 0);
    expect(cache.take({ ...asked, model: "other" }, 0).read).toBe(0);
    cache.clear();
    expect(cache.take(asked, 0).read).toBe(0);
  });

  it("tells what is kept for an hour from what is kept for five minutes", () => {
    const cache = new PromptCache();
    const two = { ...asked, system: [marked(long, hourMark), marked("one two")] };
    expect(cache.take(two, 0)).toEqual({ plain: 3, read: 0, written5m: 2, written1h: 1100 });
    expect(cache.take(two, 30 * minute)).toEqual({
      plain: 3,
      read: 1100,
      written5m: 2,
      written1h: 0,
    });
  });

  it("follows a conversation whose mark moves on, for as many blocks as the API looks back", () => {
    const cache = new PromptCache();
    const first = { model: "m", system: long, messages: hello, cache_control: mark };
    cache.take(first, 0);
    const grown = (turns: number) => ({
      ...first,
      messages: [
        ...hello,
        ...Array.from({ length: turns }, () => ({ role: "user", content: "a" })),
      ],
    });
    expect(cache.take(grown(19), 0)).toEqual({ ...nothing, read: 1103, written5m: 19 });
    cache.clear();
    cache.take(first, 0);
    expect(cache.take(grown(20), 0)).toEqual({ ...nothing, written5m: 1123 });
  });

  it("keeps no short beginning, and none without a mark", () => {
    const cache = new PromptCache();
    const short = { model: "m", messages: hello, cache_control: mark };
    const plain = { model: "m", system: long, messages: hello };
    for (const body of [short, plain]) {
      cache.take(body, 0);
      expect(cache.take(body, 0)).toEqual({ ...nothing, plain: countTokens(body) });
    }
  });

  it("takes a mark for no part of what it marks", () => {
    const cache = new PromptCache();
    cache.take(asked, 0);
    expect(cache.take({ ...asked, system: [marked(long, hourMark)] }, 0).read).toBe(1100);
  });

  it("counts words, and a picture as one", () => {
    const picture = { type: "image", source: { type: "base64", data: "AAAA BBBB" } };
    const content = [{ type: "text", text: "one two" }, picture];
    expect(countTokens({ system: "three", messages: [{ role: "user", content }] })).toBe(3 + 1568);
  });
});
