import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LuaWorker } from "../stand-in/kong/lua/worker";
import { type LuaFiles, luaFiles, luaPlugin } from "../stand-in/kong/lua-files.fixture";
import { pdkFunctions } from "../stand-in/kong/pdk/functions";
import { requestWith } from "../stand-in/kong/request.fixture";

const boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
const plainType = `multipart/form-data; boundary=${boundary}`;

/** A form of parts, each its head and its value. */
function form(...parts: [head: string, value: string][]): string {
  const all = parts.map(([head, value]) => `--${boundary}\r\n${head}\r\n\r\n${value}\r\n`);
  return `${all.join("")}--${boundary}--\r\n`;
}

function field(name: string, value: string): [string, string] {
  return [`Content-Disposition: form-data; name="${name}"`, value];
}

const allowed = field("model", "allowed");

describe("form.lua", () => {
  let files: LuaFiles;
  let worker: LuaWorker;
  beforeAll(() => {
    const reading = `function plugin:access(conf)
      local fields, places, bytes = require("kong_llm.form")(conf.type)
      kong.ctx.shared.result = { fields = fields, places = places, bytes = bytes }
    end`;
    const source = (name: string) => readFileSync(join(__dirname, `../lua/${name}.lua`), "utf8");
    files = luaFiles({
      ...Object.fromEntries(
        ["form", "parameters", "end-of-text"].map((name) => [`kong_llm/${name}.lua`, source(name)]),
      ),
      ...luaPlugin("form", reading),
    });
    worker = new LuaWorker(pdkFunctions, () => {}, { packagePath: files.directory });
    worker.plugin("form");
  });
  afterAll(async () => {
    await worker.exit();
    files.remove();
  });

  async function readForm(body: string, type = plainType, bufferBytes = 1 << 20) {
    const request = requestWith({
      ...{ method: "POST", body, bufferBytes },
      headers: { "Content-Type": type, "Content-Length": String(Buffer.byteLength(body)) },
    });
    const access = worker.phasesOf({ name: "form", id: "1" }, { type }).get("access")!;
    await worker.access(access, request);
    return worker.getMember(request, "shared", "result") as {
      fields?: Record<string, string | false>;
      places?: Record<string, [number, number]>;
      bytes?: number;
    };
  }

  const fieldsOf = async (...asked: Parameters<typeof readForm>) =>
    (await readForm(...asked)).fields;

  it("reads small fields and where they stand, and steps over files", async () => {
    const sound: [string, string] = [
      'Content-Disposition: form-data; name="file"; filename="회의 \\"1\\".mp3"\r\nContent-Type: audio/mpeg',
      "\r\n--not it\r\n\0".repeat(20_000),
    ];
    const body = form(sound, allowed, field("prompt", ""));
    for (const buffered of [1 << 20, 1024]) {
      const { fields, places, bytes } = await readForm(body, plainType, buffered);
      expect(fields).toEqual({ model: "allowed", prompt: "" });
      expect(bytes).toBe(Buffer.byteLength(body));
      const [offset, length] = places!.model!;
      expect(Buffer.from(body).toString("utf8", offset, offset + length)).toBe("allowed");
    }
  });

  it.each([
    ["without quotes", "Content-Disposition: form-data; name=model"],
    ["in capitals", 'CONTENT-DISPOSITION: Form-Data; NAME="model"'],
    ["with a length and a type", `${allowed[0]}\r\nContent-Length: 7\r\ncontent-type: text/plain`],
    ["with what Apache's client says", `${allowed[0]}\r\nContent-Transfer-Encoding: 8bit`],
  ])("reads a model %s", async (_, head) => {
    expect(await fieldsOf(form([head, "allowed"]))).toEqual({ model: "allowed" });
  });

  it.each([
    `multipart/form-data; boundary="${boundary}"`,
    `Multipart/Form-Data;charset=utf-8; Boundary=${boundary};`,
  ])("takes the type %s", async (type) => {
    expect(await fieldsOf(form(allowed), type)).toEqual({ model: "allowed" });
  });

  it.each([
    ["two names", 'Content-Disposition: form-data; name="other"; name="model"'],
    ["an extended name", "Content-Disposition: form-data; name*=utf-8''model"],
    ["both names", `Content-Disposition: form-data; name="other"; name*=utf-8''model`],
    ["an escaped name", 'Content-Disposition: form-data; name="mo\\del"'],
    ["a folded line", 'Content-Disposition: form-data;\r\n name="model"'],
    ["two dispositions", `${field("other", "")[0]}\r\n${allowed[0]}`],
    ["a disposition that is not the form's", 'Content-Disposition: attachment; name="model"'],
    ["no disposition", "X-Content-Disposition: form-data; name=model"],
    ["a value that is decoded", `${allowed[0]}\r\nContent-Transfer-Encoding: quoted-printable`],
    ["a bare end of a line", 'X: a\nContent-Disposition: form-data; name="model"'],
  ])("is no form that all read alike where a part has %s", async (_, head) => {
    expect(await fieldsOf(form(allowed, [head, "denied"]))).toBeUndefined();
  });

  it("does not take the name of another header, or of another parameter, for a part's", async () => {
    const hidden = `X-Content-Disposition: form-data; name="other"\r\n${allowed[0]}`;
    expect(await fieldsOf(form([hidden, "denied"]))).toEqual({ model: "denied" });
    const marked = 'Content-Disposition: form-data; name="model"; xfilename="a"';
    expect(await fieldsOf(form([marked, "denied"]))).toEqual({ model: "denied" });
    expect(await fieldsOf(form(allowed, [marked, "denied"]))).toEqual({ model: false });
  });

  it("knows no model where one is sent as a file, too", async () => {
    const file: [string, string] = [`${allowed[0]}; filename="model"`, "denied"];
    expect(await fieldsOf(form(file, allowed))).toEqual({ model: false });
    expect(await fieldsOf(form(allowed, file))).toEqual({ model: false });
  });

  it.each([
    [
      "a part within a value",
      `x\n--${boundary}\nContent-Disposition: form-data; name="model"\n\ny`,
    ],
    ["a boundary without its line", `x--${boundary}`],
  ])("is no form that all read alike with %s", async (_, value) => {
    expect(await fieldsOf(form(allowed, field("prompt", value)))).toBeUndefined();
  });

  it.each([
    ["behind its end", form(allowed) + form(field("model", "denied"))],
    ["before its beginning", `x\r\n--${boundary}x${form(allowed)}`],
    ["in place of its end", form(allowed).slice(0, -4)],
    ["in place of its parts", "model=denied"],
  ])("is no form that all read alike with something %s", async (_, body) => {
    expect(await fieldsOf(body)).toBeUndefined();
  });

  it.each([
    `multipart/form-data; boundary=${boundary}; boundary=other`,
    `multipart/form-data; xboundary=${boundary}; boundary=other`,
    `multipart/form-data; boundary=${boundary}, multipart/form-data; boundary=other`,
    `multipart/form-data; boundary=${boundary}; boundary*0=other`,
    `text/plain; x="multipart/form-data; boundary=${boundary}"`,
    "multipart/form-data",
  ])("is none with the type %s", async (type) => {
    expect(await fieldsOf(form(allowed), type)).toBeUndefined();
  });
});
