import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { gatewayWith, snippet, type TestGateway } from "./gateway.fixture";
import { type LuaFiles, luaFiles, luaPlugin } from "./lua-files.fixture";

interface Seen {
  method: string;
  path: string;
  host: string;
  body: string;
  authorization: string;
}

describe("the stand-in's balancer", () => {
  let gateway: TestGateway | undefined;
  let files: LuaFiles | undefined;
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    await gateway?.stopAll();
    files?.remove();
    for (const stop of stops.splice(0)) await stop();
    gateway = files = undefined;
  });

  /** An upstream that answers these statuses in turn, and keeps what it was sent. */
  async function upstreamOf(...statuses: number[]) {
    const seen: Seen[] = [];
    const answer: RequestListener = async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      const { host = "", authorization = "" } = request.headers;
      seen.push({ method: request.method!, path: request.url!, host, body, authorization });
      response.statusCode = statuses[seen.length - 1] ?? statuses.at(-1)!;
      response.end(`answer ${seen.length}`);
    };
    const server = createServer(answer).listen(0, "127.0.0.1");
    await once(server, "listening");
    stops.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { seen, port: (server.address() as AddressInfo).port };
  }

  const all = ["error", "timeout", "http_429", "http_500", "http_503", "non_idempotent"];

  /** A plugin that aims at a port by name, and retries as its callback says. */
  async function aimed(port: number, callback: string, access = "", log = "") {
    files = luaFiles(
      luaPlugin(
        "ours",
        `function plugin:access()
           ${access}
           kong.service.set_target("localhost", ${port})
           kong.service.set_retries(2)
           ngx.ctx.balancer_data.type = "name"
           kong.service.set_target_retry_callback(function() ${callback} end)
         end
         function plugin:log() ${log} end`,
      ),
    );
    gateway = await gatewayWith({
      luaPackagePath: files.directory,
      proxyNextUpstream: all,
      plugins: [{ name: "ours" }],
    });
    return (init: RequestInit = {}) =>
      fetch(`${gateway!.url}/api/first?a=1`, { method: "POST", body: "short", ...init });
  }

  it("sends a request where set_target says, with that name as its Host", async () => {
    const target = await upstreamOf(200);
    const ask = await aimed(target.port, "return true");
    expect(await (await ask()).text()).toBe("answer 1");
    expect(target.seen).toMatchObject([{ host: "localhost", path: "/api/first?a=1" }]);
  });

  it("repeats a request at another host, with another key and a longer body", async () => {
    const [first, second] = [await upstreamOf(429), await upstreamOf(200)];
    const ask = await aimed(
      first.port,
      `kong.service.set_target("127.0.0.1", ${second.port})
       kong.service.request.set_header("Host", "second:${second.port}")
       kong.service.request.set_header("Authorization", "Bearer two")
       kong.service.request.set_raw_body("another body, a longer one")
       assert(require("ngx.balancer").recreate_request())
       return true`,
      'kong.service.request.set_header("Authorization", "Bearer one")',
    );
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([200, "answer 1"]);
    expect(first.seen).toEqual([
      {
        method: "POST",
        path: "/api/first?a=1",
        host: "localhost",
        body: "short",
        authorization: "Bearer one",
      },
    ]);
    expect(second.seen).toEqual([
      {
        method: "POST",
        path: "/api/first?a=1",
        host: `second:${second.port}`,
        body: "another body, a longer one",
        authorization: "Bearer two",
      },
    ]);
  });

  it("sends the first try's headers and body again where the request is not made anew", async () => {
    const target = await upstreamOf(500, 200);
    const ask = await aimed(
      target.port,
      `kong.service.request.set_header("Authorization", "Bearer two")
       kong.service.request.set_raw_body("another body")
       return true`,
    );
    expect((await ask()).status).toBe(200);
    expect(target.seen.map(({ body, authorization }) => [body, authorization])).toEqual([
      ["short", ""],
      ["short", ""],
    ]);
  });

  it("makes the request anew by itself where its Host follows the target", async () => {
    const [first, second] = [await upstreamOf(500), await upstreamOf(200)];
    gateway = await gatewayWith({
      proxyNextUpstream: all,
      service: { host: "localhost", port: first.port, retries: 1 },
      plugins: [
        snippet(
          "access",
          `kong.service.set_target_retry_callback(function()
             kong.service.set_target("localhost", ${second.port})
             kong.service.request.set_header("Authorization", "Bearer two")
             return true
           end)`,
        ),
      ],
    });
    expect((await fetch(`${gateway.url}/api`)).status).toBe(200);
    expect(first.seen).toMatchObject([{ host: `localhost:${first.port}`, authorization: "" }]);
    expect(second.seen).toMatchObject([
      { host: `localhost:${second.port}`, authorization: "Bearer two" },
    ]);
  });

  it("keeps path and scheme of the first try, and lets nothing else change or wait", async () => {
    const target = await upstreamOf(500, 200);
    const ask = await aimed(
      target.port,
      `kong.service.request.set_path("/other")
       local ok = pcall(kong.service.request.clear_header, "X")
       local waits = pcall(ngx.sleep, 0)
       kong.service.request.set_header("Authorization", tostring(ok) .. tostring(waits))
       require("ngx.balancer").recreate_request()
       return true`,
    );
    await ask();
    expect(target.seen[1]).toMatchObject({ path: "/api/first?a=1", authorization: "falsefalse" });
  });

  it("passes the last try's answer on as it is, and tells each try in log", async () => {
    const target = await upstreamOf(429, 500, 503);
    const report = await upstreamOf(200);
    const ask = await aimed(
      target.port,
      "return true",
      "",
      `local tries = require("cjson").encode(ngx.ctx.balancer_data.tries)
       local line = tries .. "|" .. ngx.var.upstream_status
       ngx.timer.at(0, function()
         local socket = ngx.socket.tcp()
         assert(socket:connect("127.0.0.1", ${report.port}))
         socket:send({ "POST / HTTP/1.0\\r\\nContent-Length: ", #line, "\\r\\n\\r\\n", line })
         socket:receive("*l")
         socket:close()
       end)`,
    );
    const answer = await ask();
    expect([answer.status, await answer.text()]).toEqual([503, "answer 3"]);
    await expect.poll(() => report.seen.length).toBe(1);
    const [tries, statuses] = report.seen[0]!.body.split("|");
    const one = { ip: "127.0.0.1", port: target.port, balancer_start: expect.any(Number) };
    expect(JSON.parse(tries!)).toEqual([
      { ...one, state: "failed", code: 429 },
      { ...one, state: "failed", code: 500 },
      one,
    ]);
    expect(statuses).toBe("429, 500, 503");
  });

  it.each([
    ["returns nothing", ""],
    ["fails", "error('x')"],
  ])("answers 503 when the callback %s", async (_, callback) => {
    const target = await upstreamOf(429);
    const answer = await (await aimed(target.port, callback))();
    expect(answer.status).toBe(503);
    expect(target.seen).toHaveLength(1);
  });

  it("repeats after an address that refuses the connection, whatever the method", async () => {
    const target = await upstreamOf(200);
    gateway = await gatewayWith({
      service: { host: "localhost", port: 1, retries: 1 },
      plugins: [
        snippet(
          "access",
          `kong.service.set_target_retry_callback(function()
             kong.service.set_target("localhost", ${target.port})
             return true
           end)`,
        ),
      ],
    });
    const answer = await fetch(`${gateway.url}/api`, { method: "POST", body: "x" });
    expect(answer.status).toBe(200);
    expect(target.seen).toMatchObject([{ body: "x" }]);
  });

  it.each([
    [429, ["error", "timeout"], "GET", 1],
    [429, ["http_429"], "GET", 2],
    [429, ["http_429"], "POST", 1],
    [429, ["http_429", "non_idempotent"], "POST", 2],
    [408, ["http_429", "http_500", "non_idempotent"], "GET", 1],
    [529, ["http_429", "http_500", "non_idempotent"], "GET", 1],
    [404, ["http_404"], "GET", 2],
  ])("after a %i with %j tries a %s %i times", async (status, nextUpstream, method, tries) => {
    const target = await upstreamOf(status);
    gateway = await gatewayWith({
      proxyNextUpstream: nextUpstream,
      service: { port: target.port, retries: 1 },
    });
    const answer = await fetch(`${gateway.url}/api`, { method });
    expect([answer.status, await answer.text()]).toEqual([status, `answer ${tries}`]);
  });

  it("does not ask the callback for a service with an address", async () => {
    const target = await upstreamOf(500, 200);
    gateway = await gatewayWith({
      proxyNextUpstream: all,
      service: { port: target.port, retries: 1 },
      plugins: [
        snippet("access", "kong.service.set_target_retry_callback(function() error('asked') end)"),
      ],
    });
    expect((await fetch(`${gateway.url}/api`)).status).toBe(200);
  });

  it("answers 503 by itself when the service's name is unknown", async () => {
    gateway = await gatewayWith({
      service: { host: "no-such-name.invalid" },
      plugins: [
        snippet(
          "header_filter",
          'kong.response.set_header("X-Source", kong.response.get_source())',
        ),
      ],
    });
    const answer = await fetch(`${gateway.url}/api`);
    expect([answer.status, answer.headers.get("x-source")]).toEqual([503, "exit"]);
    expect(await answer.json()).toMatchObject({ message: "name resolution failed" });
  });
});
