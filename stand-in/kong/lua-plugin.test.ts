import { afterEach, describe, expect, it } from "vitest";
import { gatewayWith, snippet, type TestGateway } from "./gateway.fixture";
import { type LuaFiles, luaFiles, luaPlugin } from "./lua-files.fixture";
import { calling, dumpOf, type ScriptedServer, scriptedServer } from "./plugin-server.fixture";

type Given = Parameters<typeof gatewayWith>[0];

describe("a Lua plugin in the stand-in", () => {
  let files: LuaFiles | undefined;
  let gateway: TestGateway | undefined;
  let server: ScriptedServer | undefined;
  afterEach(async () => {
    await gateway?.stopAll();
    await server?.stop();
    files?.remove();
    gateway = files = server = undefined;
  });

  async function start(sources: Record<string, string>, given: Given = {}) {
    files = luaFiles(sources);
    gateway = await gatewayWith({ luaPackagePath: `${files.directory}/?.lua;;`, ...given });
    return gateway;
  }
  const headers = async (path = "/api", init?: RequestInit) =>
    (await fetch(gateway!.url + path, init)).headers;

  it("runs in the place of an external plugin of its name, which is never asked", async () => {
    server = await scriptedServer(calling());
    const plugin = luaPlugin(
      "ours",
      'function plugin:access(conf) kong.response.set_header("X-By", "lua " .. conf.text) end',
      { fields: '{ text = { type = "string", default = "by default" } }' },
    );
    await start(plugin, {
      dumps: [dumpOf("ours")],
      socket: server.path,
      plugins: [{ name: "ours", config: {} }],
    });
    expect((await headers()).get("x-by")).toBe("lua by default");
    expect(server.messages).toEqual([]);
  });

  it("runs before key-auth where its priority is higher, and after it where it is lower", async () => {
    const mark = (header: string) => `function plugin:access()
      local consumer = kong.client.get_consumer()
      kong.service.request.set_header("x-api-key", "k1")
      kong.response.set_header("${header}", consumer and consumer.username or "nobody")
    end`;
    await start(
      {
        ...luaPlugin("llm-client-key", mark("X-Above"), { priority: 1300 }),
        ...luaPlugin("ours", mark("X-Below")),
      },
      {
        plugins: [
          { name: "ours" },
          { name: "llm-client-key" },
          { name: "key-auth", config: { key_names: ["x-api-key"] } },
        ],
        consumers: [{ username: "app", keyauth_credentials: [{ key: "k1" }] }],
      },
    );
    const seen = await headers();
    expect([seen.get("x-above"), seen.get("x-below")]).toEqual(["nobody", "app"]);
  });

  it("gets its config as Kong hands it out: defaults, no nulls, keys of Kong, one table for all", async () => {
    const describing = `local seen
      function plugin:access(conf)
        local same = seen == nil or seen == conf
        seen = conf
        local cjson = require("cjson")
        kong.response.exit(200, cjson.encode({
          same = same, list = conf.list, absent = conf.absent == nil, key = conf.key, reference = conf["$refs"].key,
          id = conf.__plugin_id == kong.plugin.get_id(), seq = conf.__seq__, service = conf.service_id,
        }))
      end`;
    await start(
      luaPlugin("ours", describing, {
        fields: `{ list = { type = "array", default = {}, elements = { type = "string" } } },
          { absent = { type = "string" } },
          { key = { type = "string", referenceable = true } }`,
      }),
      {
        environment: { SOME_KEY: "sk-안" },
        plugins: [{ name: "ours", config: { key: "{vault://env/some-key}" } }],
      },
    );
    await headers();
    expect(await (await fetch(`${gateway!.url}/api`)).json()).toEqual({
      same: true,
      list: [],
      absent: true,
      key: "sk-안",
      reference: "{vault://env/some-key}",
      id: true,
      seq: 1,
      service: expect.any(String),
    });
  });

  it("filters in the order of priority, with snippets among the plugins", async () => {
    const appending = (text: string) => `
      function plugin:header_filter() kong.response.add_header("X-Order", "${text}") end
      function plugin:body_filter() if ngx.arg[2] then ngx.arg[1] = (ngx.arg[1] or "") .. "${text}" end end`;
    await start(
      {
        ...luaPlugin("low", appending("low"), { priority: 1 }),
        ...luaPlugin("high", appending("high"), { priority: 2 }),
      },
      {
        plugins: [
          { name: "low" },
          { name: "high" },
          snippet("header_filter", 'kong.response.add_header("X-Order", "pre")', "pre-function"),
          snippet("header_filter", 'kong.response.add_header("X-Order", "post")'),
        ],
        upstream: (_, response) => response.end(),
        route: { response_buffering: false },
      },
    );
    const answer = await fetch(`${gateway!.url}/api`);
    expect(answer.headers.get("x-order")).toBe("pre, high, low, post");
  });

  it("that exits ends the access of all later plugins, and their filters still run", async () => {
    await start(
      {
        ...luaPlugin(
          "first",
          `function plugin:access()
             kong.response.exit(429, '{"a":1}', { ["Retry-After"] = "1" })
             error("not reached")
           end`,
          { priority: 1000 },
        ),
        ...luaPlugin(
          "second",
          `function plugin:access() kong.response.set_header("X-Late", "ran") end
           function plugin:header_filter() kong.response.set_header("X-Source", kong.response.get_source()) end`,
        ),
      },
      { plugins: [{ name: "first" }, { name: "second" }] },
    );
    const answer = await fetch(`${gateway!.url}/api`);
    expect([answer.status, await answer.text()]).toEqual([429, '{"a":1}']);
    expect(answer.headers.get("x-source")).toBe("exit");
    expect(answer.headers.has("x-late")).toBe(false);
  });

  it("that fails in access is a 500", async () => {
    await start(luaPlugin("ours", "function plugin:access() local x = nil; x() end"), {
      plugins: [{ name: "ours" }],
    });
    const answer = await fetch(`${gateway!.url}/api`);
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ message: "An unexpected error occurred" });
  });

  it("has kong.ctx.plugin for itself, and kong.ctx.shared with the others", async () => {
    const writing = (name: string) => `
      function plugin:access()
        kong.ctx.plugin.name, kong.ctx.shared.name = "${name}", "${name}"
      end
      function plugin:header_filter()
        kong.response.add_header("X-Seen", kong.ctx.plugin.name .. "/" .. kong.ctx.shared.name)
      end`;
    await start(
      { ...luaPlugin("a", writing("a"), { priority: 1000 }), ...luaPlugin("b", writing("b")) },
      { plugins: [{ name: "a" }, { name: "b" }] },
    );
    expect((await headers()).get("x-seen")).toBe("a/b, b/b");
  });

  it("requires modules beside it, each loaded once for a worker", async () => {
    await start(
      {
        "ours/count.lua": "local n = 0 return { next = function() n = n + 1 return n end }",
        ...luaPlugin(
          "ours",
          `local count = require("ours.count")
           function plugin:access()
             kong.response.set_header("X-Count", count.next() + require("ours.count").next())
           end`,
        ),
      },
      { plugins: [{ name: "ours" }] },
    );
    await headers();
    expect((await headers()).get("x-count")).toBe("7");
  });

  it("knows where Kong reaches its plugin server", async () => {
    await start(
      luaPlugin(
        "llm-gateway",
        `function plugin:access()
           local path = kong.configuration["pluginserver_llm_gateway_socket"]
           kong.response.set_header("X-Socket", path .. " " .. kong.configuration.prefix)
         end`,
      ),
      {
        dumps: [dumpOf("llm-gateway")],
        socket: "/run/kong-llm/rpc.sock",
        plugins: [{ name: "llm-gateway" }],
      },
    );
    expect((await headers()).get("x-socket")).toBe("/run/kong-llm/rpc.sock /run/kong-llm");
  });

  it("has run init_worker and got its configs before the first request", async () => {
    await start(
      luaPlugin(
        "ours",
        `local started, texts = ngx.get_phase(), {}
         function plugin:init_worker() started = started .. " " .. ngx.get_phase() end
         function plugin:configure(configs)
           for _, conf in ipairs(configs or {}) do texts[#texts + 1] = conf.text end
         end
         function plugin:access()
           kong.response.set_header("X-Started", started .. " " .. table.concat(texts, ","))
         end`,
        { fields: '{ text = { type = "string" } }' },
      ),
      {
        plugins: [{ name: "ours", config: { text: "service" } }],
        route: { plugins: [{ name: "ours", config: { text: "route" } }] },
      },
    );
    expect((await headers()).get("x-started")).toBe("init init_worker route,service");
  });
});
