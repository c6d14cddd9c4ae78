import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cacheKey, type Identity, identify, type KeyParts } from "./cache-key";

const parts: KeyParts = {
  identity: ["consumer", "c1"],
  service: "llm-upstream",
  path: "/v1/chat/completions",
  body: "{}",
  ignoreFields: ["user", "metadata"],
};

const keyOf = (body: string) => cacheKey({ ...parts, body });

describe("llm-cache", () => {
  describe("the key", () => {
    it.each([
      ["another order of members", '{"a":1,"b":{"c":2,"d":3}}', '{"b":{"d":3,"c":2},"a":1}'],
      ["insignificant space", '{"a":[1,2]}', ' {\t"a" :\r\n[ 1 , 2 ] }\n'],
      ["a fraction of zero", '{"n":1}', '{"n":1.0}'],
      ["an exponent", '{"n":100}', '{"n":1E+2}'],
      ["zeros behind the point", '{"n":0.7}', '{"n":0.700}'],
      ["another place of the point", '{"n":-0.00125}', '{"n":-12.5e-4}'],
      ["spellings of zero", '{"n":0}', '{"n":-0.0e7}'],
      ["escapes in values", '{"s":"A/é😀"}', '{"s":"\\u0041\\/\\u00e9\\ud83d\\ude00"}'],
      ["escapes in names", '{"model":"m"}', '{"\\u006dodel":"m"}'],
      ["an ignored member, however spelt", '{"a":1}', '{"\\u0075ser":1,"a":1}'],
      ["an ignored member", '{"a":1}', '{"a":1,"user":"u1","metadata":{"x":[1]}}'],
    ])("does not depend on %s", (_, one, other) => {
      expect(keyOf(one)).toBe(keyOf(other));
    });

    it.each([
      ["a value", '{"a":1}', '{"a":2}'],
      ["a member's name", '{"a":1}', '{"b":1}'],
      ["the order of an array", '{"a":[1,2]}', '{"a":[2,1]}'],
      ["the shape of an array", '{"a":[[1],2]}', '{"a":[[1,2]]}'],
      ["an empty member", '{"a":1}', '{"a":1,"b":null}'],
      ["a type", '{"a":true}', '{"a":"true"}'],
      ["a number's type", '{"a":1}', '{"a":"1"}'],
      ["a number's sign", '{"a":1}', '{"a":-1}'],
      ["integers beyond 2^53", '{"seed":9007199254740992}', '{"seed":9007199254740993}'],
      ["numbers beyond a double", '{"n":1e400}', '{"n":1e401}'],
      ["exponents beyond a double", '{"n":1e99999999999999999998}', '{"n":1e99999999999999999999}'],
      ["decimals finer than a double", '{"n":0.1}', '{"n":0.10000000000000000001}'],
      ["the model", '{"model":"gpt-4.1"}', '{"model":"gpt-4.1-mini"}'],
      ["streaming", '{"model":"m"}', '{"model":"m","stream":true}'],
      ["space inside a text", '{"a":"b c"}', '{"a":"b  c"}'],
      ["composed and decomposed letters", '{"a":"\\u00e9"}', '{"a":"e\\u0301"}'],
      ["a nested member of an ignored name", '{"a":{"user":1}}', '{"a":{"user":2}}'],
      ["a member that stands twice", '{"a":1,"a":2}', '{"a":2}'],
      ["which of two members stands last", '{"a":1,"a":2}', '{"a":2,"a":1}'],
      ["what looks like structure", '{"a":"1,\\"b\\":2"}', '{"a":"1","b":2}'],
    ])("depends on %s", (_, one, other) => {
      expect(keyOf(one)).not.toBe(keyOf(other));
    });

    it.each<[string, Partial<KeyParts>]>([
      ["who asks", { identity: ["consumer", "c2"] }],
      ["the scope", { identity: ["tag", "c1"] }],
      ["the service", { service: "another-upstream" }],
      ["the endpoint", { path: "/v1/completions" }],
      ["a deployment in the path", { path: "/openai/deployments/gpt-4/chat/completions" }],
      ["the query", { query: "api-version=2024-06-01" }],
      ["which members are ignored", { ignoreFields: ["user", "metadata", "seed"] }],
    ])("depends on %s", (_, other) => {
      expect(cacheKey({ ...parts, ...other })).not.toBe(cacheKey(parts));
    });

    it("depends neither on the order of ignored members nor on a slash at the end", () => {
      const other = { path: `${parts.path}/`, ignoreFields: ["metadata", "user", "user"] };
      expect(cacheKey({ ...parts, ...other })).toBe(cacheKey(parts));
    });

    it("is a digest that shows nothing of the prompt", () => {
      expect(keyOf('{"prompt":"hello"}')).toMatch(/^[0-9a-f]{64}$/);
    });

    it("is made of bodies as deep as a parser takes", () => {
      const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
      expect(keyOf(nested(100_000))).not.toBe(keyOf(nested(100_001)));
    });

    it("is the same for bodies that mean the same, however they are spelt", () => {
      fc.assert(
        fc.property(body, fc.infiniteStream(fc.nat()), (tree, choices) => {
          const spelt = spell(tree, choicesFrom(choices));
          expect(() => JSON.parse(spelt)).not.toThrow();
          expect(keyOf(spelt)).toBe(keyOf(spell(tree, () => 0)));
        }),
      );
    });

    it("is another one when any value changes", () => {
      fc.assert(
        fc.property(body, fc.nat(), (tree, place) => {
          const changed = structuredClone(tree);
          const values = valuesOf(changed);
          change(values[place % values.length]!);
          expect(keyOf(spell(changed, () => 0))).not.toBe(keyOf(spell(tree, () => 0)));
        }),
      );
    });
  });

  describe("those who share answers", () => {
    const consumer = (id: string, tags?: string[]) => ({ id, username: `name-${id}`, tags });

    it.each<[string, "consumer" | "tag" | "shared", object | undefined, Identity | undefined]>([
      ["a consumer stands alone", "consumer", consumer("c1", ["team-a"]), ["consumer", "c1"]],
      ["a request without a consumer has no place", "consumer", undefined, undefined],
      ["a team shares", "tag", consumer("c1", ["kong-llm", "team-a"]), ["tag", "team-a"]],
      [
        "two teams are one in any order",
        "tag",
        consumer("c1", ["team-b", "team-a"]),
        ["tag", "team-a", "team-b"],
      ],
      [
        "a consumer without a team stands alone",
        "tag",
        consumer("c1", ["k8s-x"]),
        ["consumer", "c1"],
      ],
      ["a consumer without tags stands alone", "tag", consumer("c1"), ["consumer", "c1"]],
      ["no consumer, no team", "tag", undefined, undefined],
      ["everybody shares", "shared", consumer("c1"), ["shared"]],
      ["everybody is without a consumer too", "shared", undefined, ["shared"]],
    ])("%s (scope %s)", (_, scope, who, expected) => {
      const given = who as ReturnType<typeof consumer> | undefined;
      expect(identify(given, { scope, tag_prefix: "team-" })).toEqual(expected);
    });
  });
});

/** A JSON value apart from its spelling. A number is digits and a power of ten. */
type Tree =
  | { kind: "literal"; text: string }
  | { kind: "text"; text: string }
  | { kind: "number"; negative: boolean; digits: bigint; power: number }
  | { kind: "array"; items: Tree[] }
  | { kind: "object"; members: [string, Tree][] };

const { value: anyValue } = fc.letrec<{ value: Tree }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      kind: fc.constant("literal" as const),
      text: fc.constantFrom("true", "false", "null"),
    }),
    fc.record({ kind: fc.constant("text" as const), text: fc.string({ unit: "binary" }) }),
    fc.record({
      kind: fc.constant("number" as const),
      negative: fc.boolean(),
      digits: fc.bigInt({ min: 1n, max: 10n ** 24n }),
      power: fc.integer({ min: -30, max: 30 }),
    }),
    fc.record({ kind: fc.constant("array" as const), items: fc.array(tie("value")) }),
    objectOf(tie("value")),
  ),
}));

const body = objectOf(anyValue);

function objectOf(value: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> {
  const name = fc.string({ unit: "binary" }).filter((text) => !["user", "metadata"].includes(text));
  const members = fc.uniqueArray(fc.tuple(name, value), { selector: ([text]) => text });
  return fc.record({ kind: fc.constant("object" as const), members });
}

type Choose = (ways: number) => number;

function choicesFrom(stream: Iterator<number>): Choose {
  return (ways) => (stream.next().value as number) % ways;
}

function spell(tree: Tree, choose: Choose): string {
  const space = () => ["", " ", "\n", "\t \r\n"][choose(4)]!;
  const around = (text: string) => `${space()}${text}${space()}`;
  switch (tree.kind) {
    case "literal":
      return tree.text;
    case "text":
      return spellText(tree.text, choose);
    case "number":
      return spellNumber(tree, choose);
    case "array":
      return `[${tree.items.map((item) => around(spell(item, choose))).join(",") || space()}]`;
    case "object": {
      const members = tree.members.map(
        ([name, value]) => `${around(spellText(name, choose))}:${around(spell(value, choose))}`,
      );
      const start = choose(members.length || 1);
      const turned = [...members.slice(start), ...members.slice(0, start)];
      return `{${(choose(2) === 1 ? turned.reverse() : turned).join(",") || space()}}`;
    }
  }
}

function spellText(text: string, choose: Choose): string {
  const escaped = (char: string) =>
    Array.from(
      { length: char.length },
      (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join("");
  const spelt = Array.from(text, (char) =>
    choose(3) === 1 ? escaped(char) : JSON.stringify(char).slice(1, -1),
  );
  return `"${spelt.join("")}"`;
}

function spellNumber(
  { negative, digits, power }: { negative: boolean; digits: bigint; power: number },
  choose: Choose,
): string {
  const zeros = choose(5);
  const padded = `${digits}${"0".repeat(zeros)}`;
  const point = 1 + choose(padded.length);
  const fraction = padded.slice(point);
  const exponent = power - zeros + fraction.length;
  const sign = exponent < 0 ? "" : ["", "+"][choose(2)];
  const marked = exponent === 0 && choose(2) === 1 ? "" : `${"eE"[choose(2)]}${sign}${exponent}`;
  return `${negative ? "-" : ""}${padded.slice(0, point)}${fraction && `.${fraction}`}${marked}`;
}

/** The tree and all values in it. */
function valuesOf(tree: Tree): Tree[] {
  if (tree.kind === "array") return [tree, ...tree.items.flatMap(valuesOf)];
  if (tree.kind === "object") return [tree, ...tree.members.flatMap(([, item]) => valuesOf(item))];
  return [tree];
}

function change(tree: Tree): void {
  switch (tree.kind) {
    case "literal":
      tree.text = tree.text === "true" ? "null" : "true";
      break;
    case "text":
      tree.text += "x";
      break;
    case "number":
      tree.digits += 1n;
      break;
    case "array":
      tree.items.push({ kind: "literal", text: "null" });
      break;
    case "object":
      tree.members.push(["a name of its own", { kind: "literal", text: "null" }]);
  }
}
