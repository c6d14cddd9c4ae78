import { afterEach, describe, expect, it } from "vitest";
import { gatewayWith, type TestGateway } from "./gateway.fixture";
import { type LuaFiles, luaFiles, luaPlugin } from "./lua-files.fixture";

type Given = Parameters<typeof gatewayWith>[0];

describe("loading a Lua plugin in the stand-in", () => {
  let files: LuaFiles | undefined;
  let gateway: TestGateway | undefined;
  afterEach(async () => {
    await gateway?.stopAll();
    files?.remove();
    gateway = files = undefined;
  });

  async function start(sources: Record<string, string>, given: Given = {}) {
    files = luaFiles(sources);
    gateway = await gatewayWith({ luaPackagePath: files.directory, ...given });
    return gateway;
  }

  it.each([
    ["an unknown field", { typo: 1 }, "config.typo: unknown field"],
    ["what an entity check forbids", { a: "x" }, "exactly one of these fields must be non-empty"],
  ])("refuses %s", async (_, config, message) => {
    const plugin = luaPlugin("ours", "", {
      fields: '{ a = { type = "string" } }, { b = { type = "string" } }',
      checks: '{ only_one_of = { "config.b" } }',
    });
    await expect(start(plugin, { plugins: [{ name: "ours", config }] })).rejects.toThrow(message);
  });

  const handler = (source: string) => ({
    ...luaPlugin("ours", ""),
    "kong/plugins/ours/handler.lua": source,
  });

  it.each([
    ["does not parse", handler("local = 1"), "<name> expected"],
    ["has no schema", { "kong/plugins/ours/handler.lua": "return {}" }, "no configuration schema"],
    ["has no priority", handler("return {}"), "needs a PRIORITY"],
    ["is not LuaJIT's Lua", handler("local x = 3 // 2"), "unexpected symbol near '//'"],
    ["requires what is not there", handler('require("no.such")'), "module 'no.such' not found"],
  ])("does not start when its handler %s", async (_, sources, message) => {
    await expect(start(sources, { plugins: [{ name: "ours" }] })).rejects.toThrow(message);
  });
});
