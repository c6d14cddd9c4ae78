import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestBody } from "./request-body";

function parsed(text: string): RequestBody {
  const body = RequestBody.parse(text);
  if ("problem" in body) throw new Error(body.problem);
  return body;
}

// Objects as texts, piece by piece, with every freedom of spelling that JSON gives.
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
const spelledText = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\\n",
        '\\"',
        "\\\\",
        "\\/",
        "\\u00E9",
        "\\ud83d\\ude00",
        "{",
        "}",
        "],",
        ":",
      ),
      fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text).slice(1, -1)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => `"${parts.join("")}"`);
const spelledScalar = fc.oneof(
  fc.constantFrom("1", "1.0", "-0", "0e1", "1E+2", "12345678901234567890", "0.10", "true", "null"),
  spelledText,
);
const { value: spelledValue } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    spelledScalar,
    fc
      .array(fc.tuple(space, tie("value"), space), { maxLength: 4 })
      .map((items) => `[${items.map((item) => item.join("")).join(",")}]`),
    fc
      .array(fc.tuple(space, spelledText, space, tie("value"), space), { maxLength: 4 })
      .map((items) => `{${items.map(([a, k, b, v, c]) => `${a}${k}${b}:${v}${c}`).join(",")}}`),
  ),
}));

interface Piece {
  text: string;
  /** The member whose value this piece is. */
  value?: string;
}

/** As a server reads a name that ignores case. */
function folded(name: string): string {
  return (JSON.parse(name) as string).replaceAll("\u017F", "s").toLowerCase();
}

const spelledObject = fc
  .record({
    around: fc.tuple(space, space, space),
    members: fc.uniqueArray(
      fc.record({
        name: fc
          .oneof(fc.constantFrom('"model"', '"mod\\u0065l"', '"n"'), spelledText)
          .filter((name) => folded(name) !== "n" || JSON.parse(name) === "n"),
        value: spelledValue,
        spaces: fc.tuple(space, space, space, space),
      }),
      { selector: ({ name }) => folded(name), maxLength: 6 },
    ),
  })
  .map(({ around, members }) => {
    const pieces: Piece[] = members.flatMap(({ name, value, spaces: [a, b, c, d] }, index) => [
      { text: `${index > 0 ? "," : ""}${a}${name}${b}:${c}` },
      { text: value, value: JSON.parse(name) as string },
      { text: d },
    ]);
    const inside = members.length === 0 ? around[1] : "";
    return {
      pieces: [{ text: `${around[0]}{` }, ...pieces, { text: `${inside}}${around[2]}` }] as Piece[],
    };
  });

function withMember(pieces: Piece[], name: string, value: string): string {
  if (pieces.some((piece) => piece.value === name)) {
    return pieces.map((piece) => (piece.value === name ? value : piece.text)).join("");
  }
  const text = pieces.map((piece) => piece.text).join("");
  const close = text.lastIndexOf("}");
  const comma = pieces.some((piece) => piece.value !== undefined) ? "," : "";
  return `${text.slice(0, close)}${comma}"${name}":${value}${text.slice(close)}`;
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

  it("takes back what was added here, and nothing that the client sent", () => {
    const body = parsed('{"model":"m","top_p":1.0}');
    body.set("temperature", 0.7);
    body.set("model", "n");
    for (const field of ["temperature", "top_p", "never"]) body.restore(field);
    expect(body.text).toBe('{"model":"n","top_p":1.0}');
    expect(body.has("temperature")).toBe(false);
    body.restore("model");
    expect(body.text).toBe('{"model":"m","top_p":1.0}');
    expect(body.get("model")).toBe("m");
  });

  it.each([
    ['{ "a":1, "b" : 2,"c":3 }', ["a"], '{ "b" : 2,"c":3 }'],
    ['{ "a":1, "b" : 2,"c":3 }', ["b"], '{ "a":1,"c":3 }'],
    ['{ "a":1, "b" : 2,"c":3 }', ["c"], '{ "a":1, "b" : 2 }'],
    ['{ "a":1, "b" : 2,"c":3 }', ["a", "c", "d"], '{ "b" : 2 }'],
    ['{"a":1,"b":2}', ["a", "b"], "{}"],
  ])("leaves out of %s %j: %s", (text, fields, wanted) => {
    const body = parsed(text);
    for (const field of fields) body.remove(field);
    expect(body.text).toBe(wanted);
    expect(body.value).toEqual(JSON.parse(wanted));
    for (const field of fields) body.restore(field);
    expect(body.text).toBe(text);
    body.remove(fields[0]!);
    body.set("e", 5);
    expect(JSON.parse(body.text)).toEqual(body.value);
  });

  it("has what was respelt of a member while it was left out, once that is back", () => {
    const body = parsed('{"model":"m", "stop" : ["a b"]}');
    body.remove("stop");
    const left = body.spellings().find(({ field }) => field === "stop")!;
    const at = left.text.indexOf('b"');
    body.respell(left, [{ start: at, end: at + 1, text: "[B_1]" }]);
    expect(body.text).toBe('{"model":"m"}');
    expect(body.has("stop")).toBe(false);
    body.restore("stop");
    expect(body.text).toBe('{"model":"m", "stop" : ["a [B_1]"]}');
    expect(body.get("stop")).toEqual(["a [B_1]"]);
  });

  it("renames into a name under which a null stands, and back", () => {
    const text = '{"max_tokens":100, "max_completion_tokens":null}';
    for (const order of [
      ["max_tokens", "max_completion_tokens"],
      ["max_completion_tokens", "max_tokens"],
    ]) {
      const body = parsed(text);
      body.rename("max_tokens", "max_completion_tokens");
      expect(body.text).toBe('{"max_completion_tokens":100}');
      expect(body.value).toEqual({ max_completion_tokens: 100 });
      body.set("max_completion_tokens", 5);
      for (const field of order) body.restore(field);
      expect(body.text).toBe(text);
      expect(body.value).toEqual(JSON.parse(text));
    }
  });

  it("renames a member and keeps how its value was spelt", () => {
    const body = parsed('{"max_tokens" : 1e2, "model":"o3"}');
    body.rename("max_tokens", "max_completion_tokens");
    expect(body.text).toBe('{"max_completion_tokens" : 1e2, "model":"o3"}');
    expect(body.has("max_tokens")).toBe(false);
    expect(body.get("max_completion_tokens")).toBe(100);
  });

  it("renames nothing into a name that is taken, and nothing that is not there", () => {
    const body = parsed('{"a":1,"b":2}');
    body.rename("a", "b");
    body.rename("c", "d");
    expect(body.changed).toBe(false);
    expect(body.text).toBe('{"a":1,"b":2}');
  });

  it("takes several changes, also of the same member", () => {
    const body = parsed('{"a":1, "m\\u006fdel":"x", "c":3}');
    body.set("c", 4);
    body.set("model", "y");
    body.set("d", 5);
    body.rename("a", "first");
    body.set("model", "z");
    body.set("d", 6);
    expect(body.text).toBe('{"first":1, "m\\u006fdel":"z", "c":4,"d":6}');
  });

  it("equals the original but for the named members, byte for byte, however it is spelt", () => {
    fc.assert(
      fc.property(spelledObject, fc.jsonValue(), fc.jsonValue(), ({ pieces }, model, extra) => {
        const source = pieces.map(({ text }) => text).join("");
        const body = parsed(source);
        expect(body.text).toBe(source);

        body.set("model", model);
        expect(body.text).toBe(withMember(pieces, "model", JSON.stringify(model)));
        body.set("max_tokens", extra);
        expect(JSON.parse(body.text)).toEqual({
          ...JSON.parse(source),
          model: JSON.parse(JSON.stringify(model)),
          max_tokens: JSON.parse(JSON.stringify(extra)),
        });
      }),
      { numRuns: 500 },
    );
  });

  it("takes any text without a crash", () => {
    const scraps = fc.constantFrom(
      ...'{}[],:"\\ \n\u00e9a1-e.',
      '"a":',
      "null",
      "\uFEFF",
      "\ud800",
    );
    fc.assert(
      fc.property(fc.array(scraps, { maxLength: 30 }), (parts) => {
        const text = parts.join("");
        for (const sent of [text, `{${text}`, `{"a":${text}}`]) {
          const body = RequestBody.parse(sent);
          if ("problem" in body) expect(body.problem).toMatch(/^it /);
          else expect(body.value).toEqual(JSON.parse(sent));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['{"model":"cheap","Model":"dear"}', "twice"],
    ['{"MODEL":"dear","model":"cheap"}', "twice"],
    ['{"model":"m","topK":1,"topk":2}', "twice"],
    ['{"model":"m","\\u004dax_tokens":9}', 'is to be spelt "max_tokens"'],
    ['{"model":"m","N":100}', 'is to be spelt "n"'],
    // LiteLLM puts these in the place of what stands beside.
    ['{"model":"cheap","extra_body":{"model":"dear"}}', '"extra_body" has "model"'],
    ['{"model":"m","max_tokens":1,"extra_body":{"N":9}}', '"extra_body" has "N"'],
    // Small letters that fold into those of ASCII: a long s, and the sign of Kelvin.
    ['{"model":"m","\u017Ftream":true}', 'is to be spelt "stream"'],
    ['{"model":"m","max_to\u212Aens":9}', 'is to be spelt "max_tokens"'],
  ])("refuses %s, which a server that ignores case reads otherwise", (text, problem) => {
    expect(RequestBody.parse(text)).toEqual({ problem: expect.stringContaining(problem) });
  });

  it("takes members of a vendor's own in capitals", () => {
    expect(parsed('{"model":"m","topK":1,"generationConfig":{"Model":1}}').get("topK")).toBe(1);
    const google = '{"model":"m","extra_body":{"google":{"thinking_config":{}},"top_k":1}}';
    expect(parsed(google).text).toBe(google);
  });

  it.each([
    '{"model":"cheap","model":"dear"}',
    '{"model":"cheap","x":[1,{"model":"in there"}],"m\\u006fdel":"dear"}',
    '{"model":1,"a":2,"model" : 1}',
  ])("refuses a body that has a member twice: %s", (text) => {
    expect(RequestBody.parse(text)).toEqual({
      problem: 'it has the member "model" twice',
    });
  });

  it.each([100_000, 5_000_000])("refuses %i levels without parsing them", (levels) => {
    const problem = { problem: "it is nested more than 256 levels deep" };
    expect(RequestBody.parse(`{"a":${"[".repeat(levels)}${"]".repeat(levels)}}`)).toEqual(problem);
    expect(RequestBody.parse(`{"a":${'{"a":'.repeat(levels / 5)}`)).toEqual(problem);
  });

  it("takes 256 levels, and any number of values side by side", () => {
    parsed(`{"a":${"[".repeat(255)}${"]".repeat(255)}}`);
    parsed(`{"a":[${"[],".repeat(10_000)}{}]}`);
  });

  it("changes a body of 5 MB and leaves the rest of it", () => {
    const rest = `"messages":[{"content":"${'\\"\u00e9\\n'.repeat(900_000)}"}]}`;
    const body = parsed(`{"model":"gpt-4",${rest}`);
    body.set("model", "gpt-4.1");
    expect(body.text === `{"model":"gpt-4.1",${rest}`).toBe(true);
  });

  it.each([
    ["", "it is empty"],
    ["{", "it is not valid JSON"],
    ['{"a":1,}', "it is not valid JSON"],
    ['{"a":1} x', "it is not valid JSON"],
    ['{"\\x":1}', "it is not valid JSON"],
    ['{"a', "it is not valid JSON"],
    ['{"a":01}', "it is not valid JSON"],
    ['\uFEFF{"model":"m"}', "byte order mark"],
    ["\u001f\u008b", "it must be a JSON object, sent uncompressed"],
    ["[[", "it must be a JSON object"],
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

  it("is copied as it is now, and a copy is changed apart from it", () => {
    const text = '{"model":"a", "max_tokens":5,"top_p":null,"seed":12345678901234567890}';
    const body = RequestBody.parse(text) as RequestBody;
    body.set("model", "b");
    body.rename("max_tokens", "max_completion_tokens");
    body.set("temperature", 0.5);
    const before = body.text;

    const copy = body.copy();
    expect(copy.text).toBe(before);
    copy.set("model", "c");
    copy.restore("max_tokens");
    copy.remove("temperature");
    expect(copy.text).toBe(
      '{"model":"c", "max_tokens":5,"top_p":null,"seed":12345678901234567890}',
    );
    expect(body.text).toBe(before);
    expect(body.get("model")).toBe("b");
  });
});
