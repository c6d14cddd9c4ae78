import { describe, expect, it } from "vitest";
import { matches } from "../stand-in/kong/lua/matches";
import { luaPattern } from "./lua-pattern";

const told = [
  /^[a-z][a-z0-9_]{0,30}$/,
  /^[A-Za-z0-9_-]+$/,
  /^[\x20-\x7e]*$/,
  /^[^{}]*$/,
  /^[a-z*]{1,3}[.^+-]$/,
];
const texts = [
  ...[
    "",
    "a",
    "A",
    "ab_9",
    "9",
    "a-b",
    "a b",
    " a",
    "a\n",
    "é",
    "{a}",
    "a{",
    "%a",
    "a+",
    "a^",
    "**-",
  ],
  "x".repeat(31),
];

describe("the Lua pattern of a regular expression", () => {
  it.each(told)("takes what %s takes, and nothing else", (expression) => {
    const pattern = luaPattern(expression.source)!;
    for (const text of texts) {
      expect(matches(text, pattern), JSON.stringify(text)).toBe(expression.test(text));
    }
  });

  it("leaves to the regular expression how often a class comes at most", () => {
    const pattern = luaPattern("^[a-z]{0,2}$")!;
    expect([matches("abc", pattern), matches("aBc", pattern)]).toEqual([true, false]);
  });

  it.each([/^(?:a|b)$/, /^a+$/, /[a-z]/, /^[a-z]?$/, /^[a-z]{2}$/, /^[\s]$/, /^[%]$/, /^[a\]]$/])(
    "is not there for %s",
    ({ source }) => expect(luaPattern(source)).toBeUndefined(),
  );
});
