import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LuaTable, LuaValue } from "./lua-value";
import { emptyMap, type Packable, pack, Raw, unpack } from "./message-pack";

const recordings = join(__dirname, "../../test/fixtures/kong-3.9.3-rpc");

/** What one side sent on each connection, as one buffer. */
function sentBy(side: string, file: string): Buffer[] {
  const connections = new Map<number, Buffer[]>();
  for (const line of readFileSync(join(recordings, file), "utf8").trim().split("\n")) {
    const { connection, from, bytes } = JSON.parse(line);
    if (from !== side) continue;
    const chunks = connections.get(connection) ?? [];
    connections.set(connection, [...chunks, Buffer.from(bytes, "base64")]);
  }
  return [...connections.values()].map((chunks) => Buffer.concat(chunks));
}

function messagesIn(bytes: Buffer): { value: LuaValue; bytes: Buffer }[] {
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const read = unpack(bytes.subarray(at));
    if (!read) throw new Error("a recording ends within a message");
    messages.push({ value: read.value, bytes: bytes.subarray(at, at + read.end) });
    at += read.end;
  }
  return messages;
}

/** The ways in which Kong may have packed a message: a body as bin, an empty header map as a map. */
function spellings(value: LuaValue): Buffer[] {
  const [type, id, method, args] = value as [number, number, string, LuaTable[]];
  const data = args[0]?.Data;
  const spelt = [pack(value)];
  const withData = (Data: Packable) => pack([type, id, method, [{ ...args[0], Data }]]);
  if (method === "plugin.Step" && typeof data === "string") spelt.push(withData(new Raw(data)));
  if (method === "plugin.StepMultiMap") spelt.push(withData(emptyMap));
  return spelt;
}

describe("the stand-in's MessagePack", () => {
  it.each(readdirSync(recordings).filter((file) => file.endsWith(".jsonl")))(
    "writes what Kong wrote in %s, byte for byte",
    (file) => {
      const messages = sentBy("kong", file).flatMap(messagesIn);
      expect(messages.length).toBeGreaterThan(0);
      for (const { value, bytes } of messages) {
        expect(spellings(value)).toContainEqual(bytes);
      }
    },
  );

  it.each(readdirSync(recordings).filter((file) => file.endsWith(".jsonl")))(
    "reads what the plugin server answered in %s",
    (file) => {
      for (const { value } of sentBy("server", file).flatMap(messagesIn)) {
        expect(value).toEqual([1, expect.any(Number), undefined, expect.anything()]);
      }
    },
  );

  it.each([
    [0, "00"],
    [127, "7f"],
    [128, "cc80"],
    [65_536, "ce00010000"],
    [4_294_967_296, "cf0000000100000000"],
    [-1, "ff"],
    [-33, "d0df"],
    [-32_769, "d2ffff7fff"],
    [1.5, "cb3ff8000000000000"],
    [true, "c3"],
    [undefined, "c0"],
    [null, "c0"],
    [[], "90"],
    [{}, "90"],
    ["", "a0"],
    ["a".repeat(32), `da0020${"61".repeat(32)}`],
    ["\xff\x00", "a2ff00"],
  ] as [LuaValue, string][])("packs %j as %s", (value, hex) => {
    expect(pack(value).toString("hex")).toBe(hex);
  });

  it("gives every number and byte string back as it was", () => {
    const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
    const values = [
      -2_147_483_649,
      -129,
      -32,
      255,
      65_535,
      2 ** 40,
      0.1,
      bytes,
      "x".repeat(70_000),
    ];
    expect(unpack(pack(values))?.value).toEqual(values);
  });

  it("waits for the rest of a value that has come in part", () => {
    const whole = pack(["abc", { name: "value" }]);
    for (let length = 0; length < whole.length; length++) {
      expect(unpack(whole.subarray(0, length))).toBeUndefined();
    }
    expect(unpack(whole)?.end).toBe(whole.length);
  });

  it("refuses what Kong cannot read", () => {
    expect(() => unpack(Buffer.from([0xd4, 1, 2]))).toThrow("unimplemented");
  });
});
