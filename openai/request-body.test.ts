import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestBody } from "./request-body";

function parsed(text: string): RequestBody {
  const body = RequestBody.parse(text);
  if ("problem" in body) throw new Error(body.problem);
  return body;
}

describe("request body", () => {
  it("replaces a member and leaves every other byte as sent", () => {
    const body = parsed(
      '{ "n" : 1.0, "model":"gpt-4" , "seed": 12345678901234567890, "x":"\\u00e9"}',
    );
    body.set("model", "gpt-4.1");
    expect(body.text).toBe(
      '{ "n" : 1.0, "model":"gpt-4.1" , "seed": 12345678901234567890, "x":"\\u00e9"}',
    );
  });

  it("adds a member at the end", () => {
    const body = parsed('{"model":"m"}\n');
    body.set("max_tokens", 5);
    expect(body.text).toBe('{"model":"m","max_tokens":5}\n');
    expect(body.get("max_tokens")).toBe(5);
  });

  it("adds a member to an empty object", () => {
    const body = parsed("{ }");
    body.set("a", null);
    expect(JSON.parse(body.text)).toEqual({ a: null });
  });

  it("is not misled by braces, quotes and backslashes inside strings", () => {
    const body = parsed('{"messages":[{"content":"\\\\\\"} , \\"model\\": {"}],"model":"a"}');
    body.set("model", "b");
    expect(body.text).toBe('{"messages":[{"content":"\\\\\\"} , \\"model\\": {"}],"model":"b"}');
  });

  it("equals the original but for the named members, for any JSON object", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom(undefined, 1, "\t"),
        fc.jsonValue(),
        (object, space, value) => {
          const body = parsed(JSON.stringify(object, null, space));
          body.set("model", value);
          expect(JSON.parse(body.text)).toEqual(
            JSON.parse(JSON.stringify({ ...object, model: value })),
          );
        },
      ),
    );
  });

  it.each([
    ["", "it is empty"],
    ["{", "it is not valid JSON"],
    ['[{"model":"m"}]', "it must be a JSON object"],
    ["null", "it must be a JSON object"],
    ['"text"', "it must be a JSON object"],
  ])("refuses %j: %s", (text, problem) => {
    expect(RequestBody.parse(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it("refuses bytes that are not UTF-8", () => {
    const sent = Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]);
    expect(RequestBody.parse(sent.toString(), sent.length)).toEqual({
      problem: "it is not valid UTF-8",
    });
  });

  it("takes a replacement character that the client sent itself", () => {
    const sent = Buffer.from('{"a":"\uFFFD"}');
    expect(RequestBody.parse(sent.toString(), sent.length)).toHaveProperty("text");
  });
});
