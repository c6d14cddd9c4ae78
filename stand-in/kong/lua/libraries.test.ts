import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LuaFiles, luaFiles, luaPlugin } from "../lua-files.fixture";
import { pdkFunctions } from "../pdk/functions";
import { requestWith } from "../request.fixture";
import { LuaWorker } from "./worker";

describe("what require finds in the stand-in's Lua", () => {
  let files: LuaFiles;
  let worker: LuaWorker;
  beforeAll(() => {
    // Only plugins have `require`: this one answers what the expression that it is given is worth.
    const evaluating = `function plugin:access(conf)
      local cjson, bit = require("cjson"), require("bit")
      kong.ctx.shared.result = assert(load("return function(cjson, bit) return " .. conf.code .. " end"))()(cjson, bit)
    end`;
    files = luaFiles({
      "broken.lua": "local x = 1 & 2",
      "once.lua": "loads = (loads or 0) + 1 return { loads = loads }",
      ...luaPlugin("evaluate", evaluating),
    });
    worker = new LuaWorker(pdkFunctions, () => {}, { packagePath: files.directory });
    worker.plugin("evaluate");
  });
  afterAll(async () => {
    await worker.exit();
    files.remove();
  });

  async function resultOf(code: string, request = requestWith()) {
    const access = worker.phasesOf({ name: "evaluate", id: "1" }, { code }).get("access")!;
    await worker.access(access, request);
    return worker.getMember(request, "shared", "result");
  }

  it.each([
    ["cjson.encode({ 1, 'a', true, cjson.null })", '[1,"a",true,null]'],
    ["cjson.encode({})", "{}"],
    ["cjson.encode({ a = cjson.empty_array })", '{"a":[]}'],
    ["cjson.encode(setmetatable({}, cjson.array_mt))", "[]"],
    ["cjson.encode(setmetatable({}, cjson.empty_array_mt))", "[]"],
    ["cjson.encode({ 1, nil, 3 })", "[1,null,3]"],
    ["cjson.encode({ [2] = 'x' })", '[null,"x"]'],
    ["cjson.encode('a/b\\\"\\n\\127')", '"a\\/b\\"\\n\\u007f"'],
    ["cjson.encode(1764000000000.5)", "1764000000000.5"],
    ["cjson.encode(0.1 + 0.2)", "0.3"],
    ["cjson.encode(1e15)", "1e+15"],
    ["cjson.encode(3.0)", "3"],
    ["cjson.encode('\\255')", '"\xff"'],
    ["cjson.encode(cjson.decode('[]'))", "{}"],
    ["cjson.decode('{\"a\":[1,null]}').a[2] == ngx.null", true],
    ["cjson.decode('\"\\\\u00e9\\\\ud83d\\\\ude00\\\\n\"')", "\xc3\xa9\xf0\x9f\x98\x80\n"],
    ["cjson.decode('\"\\195\\169\"')", "\xc3\xa9"],
    ["cjson.decode('12345678901')", 12_345_678_901],
  ])("cjson: %s", async (code, value) => {
    expect(await resultOf(code)).toBe(value);
  });

  it("cjson marks arrays when it is told to, in an instance of its own", async () => {
    const code = `(function()
      local own = cjson.new()
      own.decode_array_with_array_mt(true)
      own.encode_empty_table_as_object(false)
      return { own.encode(own.decode("[[]]")), own.encode({}), cjson.encode({}) }
    end)()`;
    expect(await resultOf(code)).toEqual(["[[]]", "[]", "{}"]);
  });

  it.each([
    ["cjson.encode({ f = print })", "Cannot serialise function: type not supported"],
    ["cjson.encode({ [100] = 1 })", "excessively sparse array"],
    ["cjson.encode(0 / 0)", "must not be NaN or Infinity"],
    ["cjson.decode('{')", "invalid token"],
    ["cjson.decode('\"\\\\ud800\"')", "invalid token"],
    ['require("broken")', "unexpected symbol near '&'"],
    ['require("ffi")', "module 'ffi' not found"],
    ['require("../outside")', "not found"],
  ])("fails: %s", async (code, message) => {
    await expect(resultOf(code)).rejects.toThrow(message);
  });

  it("cjson.safe says what is wrong instead of raising it", async () => {
    const safe = "(function() local v, why = require('cjson.safe').decode('{') return why end)()";
    expect(await resultOf(safe)).toBe("Expected value but found invalid token");
  });

  it.each([
    ["bit.band(0xFFFFFFFF, 0xFF)", 255],
    ["bit.bor(1, 2, 4)", 7],
    ["bit.bxor(0xF0F0F0F0, 0)", -252_645_136],
    ["bit.lshift(1, 31)", -2_147_483_648],
    ["bit.rshift(-1, 28)", 15],
    ["bit.arshift(-16, 2)", -4],
    ["bit.rol(0x12345678, 12)", 0x45678123],
    ["bit.bswap(0x12345678)", 0x78563412],
    ["bit.tohex(255)", "000000ff"],
    ["math.floor(2147483647.5) + math.floor(2147483647.5)", 4_294_967_294],
    [
      "(function() local t = { 1, a = 2 } require('table.clear')(t) return next(t) == nil end)()",
      true,
    ],
    ["#require('table.new')(4, 0)", 0],
    ["require('string.buffer').new():put('ab', 1, 'c'):get(3)", "ab1"],
    ["require('once').loads + require('once').loads", 2],
    ["ngx.md5('a')", "0cc175b9c0f1b6a831c399e269772661"],
    ["type(native_timer_at)", "function"],
    ["tostring(utf8) .. tostring(string.pack) .. tostring(math.type)", "nilnilnil"],
  ])("and LuaJIT's libraries: %s", async (code, value) => {
    expect(await resultOf(code)).toBe(value);
  });

  it("gives the body that nginx has read, or the file in which it is", async () => {
    const request = () => requestWith({ method: "POST", body: "0123456789", bufferBytes: 10 });
    const code = "(function() ngx.req.read_body() return ngx.req.get_body_data() end)()";
    expect(await resultOf(code, request())).toBe("0123456789");
    const spilled = requestWith({ method: "POST", body: "0123456789", bufferBytes: 9 });
    const file = "(function() ngx.req.read_body() return ngx.req.get_body_file() end)()";
    const path = String(await resultOf(file, spilled));
    expect(await resultOf("tostring(ngx.req.get_body_data())", spilled)).toBe("nil");
    const pieces = `(function()
      local file = io.open("${path}", "rb")
      local read = { file:read(4), file:read(10), tostring(file:read(1)), file:read("*a") }
      file:close()
      return read
    end)()`;
    expect(await resultOf(pieces)).toEqual(["0123", "456789", "nil", ""]);
    spilled.body.forget();
    expect(await resultOf(`select(2, io.open("${path}"))`)).toMatch("no such file");
  });

  it("gives headers as they were spelt when it is asked to", async () => {
    const request = () => requestWith({ headers: { X_Some: "v" } });
    expect(await resultOf("ngx.req.get_headers(0, true).X_Some", request())).toBe("v");
    expect(await resultOf("rawget(ngx.req.get_headers(0), 'x_some')", request())).toBe("v");
  });
});
