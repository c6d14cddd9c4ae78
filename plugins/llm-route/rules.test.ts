import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import { readingOf } from "./reading";
import { ruleOptions } from "./rule-options";
import { type Caller, compileRule } from "./rules";
import { SignReader } from "./signs";
import { defaultWords } from "./words";

const reader = new SignReader(defaultWords());
// A Monday, ten in the morning in Seoul.
const monday = Date.parse("2026-01-05T10:00:00+09:00");

function matches(rule: object, content: unknown, more: object = {}, caller: Partial<Caller> = {}) {
  const text = JSON.stringify({ model: "auto", messages: [{ role: "user", content }], ...more });
  const body = RequestBody.parse(text);
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  const reading = readingOf("chat/completions", body, reader, true);
  const { matches } = compileRule(ruleOptions.parse({ tier: "small", ...rule }));
  return matches(reading, { headers: {}, at: monday, ...caller });
}

const picture = [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }];
const tools = [{ type: "function", function: { name: "f" } }];

describe("llm-route › a rule", () => {
  it.each<[string, object, unknown, object, Partial<Caller>]>([
    ["for tools", { tools: true }, "hi", { tools }, {}],
    ["for pictures", { images: true }, picture, {}, {}],
    ["for no pictures", { images: false }, "hi", {}, {}],
    ["for thinking", { reasoning: true }, "hi", { reasoning_effort: "low" }, {}],
    ["for code", { code: true }, "```\na\n```", {}, {}],
    ["for long prompts", { tokens_above: 100 }, "word ".repeat(100), {}, {}],
    ["for short prompts", { tokens_up_to: 100 }, "word", {}, {}],
    ["for a word", { words: ["환불"] }, "환불해 주세요", {}, {}],
    ["for a pattern", { patterns: ["*refund*policy*"] }, "The REFUND and its Policy?", {}, {}],
    ["for a header", { headers: [{ name: "X-App" }] }, "hi", {}, { headers: { "x-app": "a" } }],
    [
      "for values of a header",
      { headers: [{ name: "X-App", values: ["law*"] }] },
      ...(["hi", {}, { headers: { "x-app": "lawyers" } }] as const),
    ],
    ["for a tag", { tags: ["vip"] }, "hi", {}, { consumer: { id: "1", tags: ["vip"] } }],
    ["for hours", { hours: ["mon-fri 09:00-18:00"], time_zone: "Asia/Seoul" }, "hi", {}, {}],
    ["without conditions", {}, "hi", {}, {}],
  ])("%s holds", (_, rule, content, more, caller) => {
    expect(matches(rule, content, more, caller)).toBe(true);
  });

  it.each<[string, object, unknown, object, Partial<Caller>]>([
    ["for tools", { tools: true }, "hi", {}, {}],
    ["for no tools", { tools: false }, "hi", { tools }, {}],
    ["for pictures", { images: true }, "hi", {}, {}],
    ["for a word that is part of another", { words: ["art"] }, "start", {}, {}],
    ["for a pattern of the whole turn", { patterns: ["refund"] }, "a refund", {}, {}],
    ["for a header of another value", { headers: [{ name: "X-App", values: ["a"] }] }, "", {}, {}],
    ["for hours of another zone", { hours: ["mon-fri 09:00-18:00"] }, "hi", {}, {}],
    ["for a tag of nobody", { tags: ["vip"] }, "hi", {}, {}],
    ["of which one condition fails", { tools: false, images: true }, "hi", {}, {}],
    ["for more turns", { turns_above: 1 }, "hi", {}, {}],
  ])("%s does not hold", (_, rule, content, more, caller) => {
    expect(matches(rule, content, more, caller)).toBe(false);
  });
});
