import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { gatewayWith, snippet, type TestGateway } from "./gateway.fixture";

describe("the stand-in for Kong", () => {
  let gateway: TestGateway;
  afterEach(() => gateway?.stopAll());

  const keyAuth = (config: object) => ({ name: "key-auth", config });
  const app = {
    username: "app",
    custom_id: "a-1",
    keyauth_credentials: [{ key: "k1" }, { key: "Bearer k1" }],
  };

  it("says that it is none, and adds what Kong adds", async () => {
    gateway = await gatewayWith();
    const answer = await fetch(`${gateway.url}/api/x`);
    expect(await answer.text()).toBe("from upstream");
    expect(answer.headers.get("server")).toBe("kong-llm-stand-in");
    expect(answer.headers.get("via")).toBe("1.1 kong-llm-stand-in");
    expect(answer.headers.get("x-kong-request-id")).toMatch(/^[0-9a-f]{32}$/);
    expect(answer.headers.get("x-kong-upstream-latency")).toMatch(/^\d+$/);
    expect(answer.headers.get("x-kong-proxy-latency")).toMatch(/^\d+$/);
  });

  it("sends upstream what nginx sends", async () => {
    let raw: string[] = [];
    gateway = await gatewayWith({
      upstream(request, response) {
        raw = request.rawHeaders;
        response.end();
      },
    });
    await fetch(`${gateway.url}/api/x?a=1`, {
      method: "POST",
      body: "abc",
      headers: { "x-forwarded-for": "10.0.0.1", te: "trailers" },
    });
    const sent = Object.fromEntries(
      raw.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1]]] : [])),
    );
    expect(sent).toMatchObject({
      host: `127.0.0.1:${gateway.upstreamPort}`,
      "x-forwarded-for": "10.0.0.1, 127.0.0.1",
      "x-forwarded-proto": "http",
      "x-forwarded-host": "127.0.0.1",
      "x-forwarded-port": String(gateway.port),
      "x-forwarded-path": "/api/x",
      "x-real-ip": "127.0.0.1",
      "content-length": "3",
      via: "1.1 kong-llm-stand-in",
    });
  });

  it("answers 404 where no route matches, in the shape that the client accepts", async () => {
    gateway = await gatewayWith();
    const json = await fetch(`${gateway.url}/else`);
    expect(json.status).toBe(404);
    expect(json.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await json.text()).toBe(
      `{\n  "message":"no Route matched with those values",\n  "request_id":"${json.headers.get("x-kong-request-id")}"\n}`,
    );
    const text = await fetch(`${gateway.url}/else`, { headers: { accept: "text/plain" } });
    expect(await text.text()).toContain("no Route matched with those values\nrequest_id: ");
  });

  it.each([
    [{}, "No API key found in request"],
    [{ "x-api-key": "k2" }, "Unauthorized"],
    [{ "x-api-key": "" }, "No API key found in request"],
    [{ authorization: "Bearer k2" }, "Unauthorized"],
  ])("with the key %j answers 401: %s", async (headers, message) => {
    gateway = await gatewayWith({
      plugins: [keyAuth({ key_names: ["x-api-key", "authorization"] })],
      consumers: [app],
    });
    const answer = await fetch(`${gateway.url}/api`, { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Key");
    expect(await answer.json()).toEqual({
      message,
      request_id: answer.headers.get("x-kong-request-id"),
    });
  });

  it.each([
    ["x-api-key", { "x-api-key": "k1", authorization: "Bearer other" }, ["authorization"]],
    ["a bearer key", { authorization: "Bearer k1" }, []],
  ])("knows a consumer by %s, and hides that key alone", async (_, headers, left) => {
    let seen: Record<string, unknown> = {};
    gateway = await gatewayWith({
      plugins: [keyAuth({ key_names: ["x-api-key", "authorization"], hide_credentials: true })],
      consumers: [app],
      upstream(request, response) {
        seen = request.headers;
        response.end(request.url);
      },
    });
    const answer = await fetch(`${gateway.url}/api?q=%41%2f&b`, { headers });
    // Kong parses the query and writes it anew, in search of a key to hide.
    expect(await answer.text()).toBe("/api?q=A%2F&b=");
    expect(seen).toMatchObject({ "x-consumer-username": "app", "x-consumer-custom-id": "a-1" });
    expect(Object.keys(seen).filter((name) => /^(x-api-key|authorization)$/.test(name))).toEqual(
      left,
    );
  });

  it("refuses two keys of one name, and lets an anonymous consumer in", async () => {
    gateway = await gatewayWith({
      plugins: [keyAuth({ key_names: ["apikey"] })],
      consumers: [app],
    });
    const twice = await fetch(`${gateway.url}/api?apikey=k1&apikey=k1`);
    expect(await twice.json()).toMatchObject({ message: "Duplicate API key found" });
    await gateway.stopAll();

    gateway = await gatewayWith({
      plugins: [keyAuth({ key_names: ["apikey"], anonymous: "app" })],
      consumers: [app],
      upstream: (request, response) => response.end(JSON.stringify(request.headers)),
    });
    const anonymous = await fetch(`${gateway.url}/api`);
    expect(await anonymous.json()).toMatchObject({
      "x-anonymous-consumer": "true",
      "x-consumer-username": "app",
    });
  });

  it("runs only the most specific instance of a plugin", async () => {
    const marks = (where: string) =>
      snippet("header_filter", `kong.response.add_header("X-Mark", "${where}")`);
    gateway = await gatewayWith({
      plugins: [marks("service")],
      route: { plugins: [marks("route")] },
    });
    const answer = await fetch(`${gateway.url}/api`);
    expect(answer.headers.get("x-mark")).toBe("route");
  });

  it("skips what comes after an exit, and shows the answer to the filters", async () => {
    gateway = await gatewayWith({
      plugins: [
        snippet(
          "access",
          'kong.response.exit(418, { a = "é" }, { ["X-A"] = "1" })',
          "pre-function",
        ),
        {
          name: "post-function",
          config: {
            access: ['kong.response.set_header("X-Late", "ran")'],
            header_filter: ['kong.response.set_header("X-Source", kong.response.get_source())'],
          },
        },
      ],
    });
    const answer = await fetch(`${gateway.url}/api`);
    expect(answer.status).toBe(418);
    expect(await answer.json()).toEqual({ a: "é" });
    expect(answer.headers.get("x-source")).toBe("exit");
    expect(answer.headers.get("x-a")).toBe("1");
    expect(answer.headers.has("x-late")).toBe(false);
    expect(answer.headers.has("x-kong-response-latency")).toBe(true);
  });

  it("answers 500 when a snippet fails in access", async () => {
    gateway = await gatewayWith({ plugins: [snippet("access", "local x = nil; x()")] });
    const answer = await fetch(`${gateway.url}/api`);
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ message: "An unexpected error occurred" });
  });

  it("cuts the connection when a filter fails, as nginx does", async () => {
    gateway = await gatewayWith({ plugins: [snippet("header_filter", "error('x')")] });
    await expect(fetch(`${gateway.url}/api`)).rejects.toThrow("fetch failed");
  });

  it("hands each chunk to body_filter, which may change, drop and end it", async () => {
    gateway = await gatewayWith({
      route: { response_buffering: false },
      plugins: [
        {
          name: "post-function",
          config: {
            header_filter: ['kong.response.clear_header("Content-Length")'],
            body_filter: [
              `ngx.ctx.n = (ngx.ctx.n or 0) + 1
               if ngx.arg[2] then ngx.arg[1] = "[" .. ngx.ctx.n .. "]"
               elseif ngx.arg[1] == "b" then ngx.arg[1] = nil
               else ngx.arg[1] = ngx.arg[1]:upper() end`,
            ],
          },
        },
      ],
      async upstream(_, response) {
        for (const chunk of ["a", "b", "c"]) {
          response.write(chunk);
          // Kong reads it by itself: this process may have been held up for longer than a pause.
          await new Promise((resolve) => setTimeout(resolve, 20));
          for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
        }
        response.end();
      },
    });
    expect(await (await fetch(`${gateway.url}/api`)).text()).toBe("AC[4]");
  });

  it("replaces a body and its length", async () => {
    gateway = await gatewayWith({
      plugins: [snippet("access", 'kong.service.request.set_raw_body("longer than before")')],
      async upstream(request, response) {
        let body = "";
        for await (const chunk of request) body += chunk;
        response.end(`${request.headers["content-length"]}:${body}`);
      },
    });
    const answer = await fetch(`${gateway.url}/api`, { method: "POST", body: "short" });
    expect(await answer.text()).toBe("18:longer than before");
  });

  it("passes bytes on as they are, both ways", async () => {
    gateway = await gatewayWith({
      plugins: [snippet("body_filter", "ngx.arg[1] = ngx.arg[1]")],
      upstream: (request, response) => request.pipe(response),
    });
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 256));
    const answer = await fetch(`${gateway.url}/api`, { method: "POST", body: bytes });
    expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it("holds back a buffered answer, and streams an unbuffered one", async () => {
    const halves = (buffering: boolean) => {
      let open = () => {};
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const started = gatewayWith({
        route: { response_buffering: buffering },
        async upstream(_, response) {
          response.write("first");
          await opened;
          response.end("last");
        },
      });
      return { started, open };
    };
    const streaming = halves(false);
    gateway = await streaming.started;
    const answer = await fetch(`${gateway.url}/api`);
    const reader = answer.body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe("first");
    streaming.open();
    await gateway.stopAll();

    const buffered = halves(true);
    gateway = await buffered.started;
    const held = (await fetch(`${gateway.url}/api`)).body!.getReader();
    buffered.open();
    expect(Buffer.from((await held.read()).value!).toString()).toBe("firstlast");
  });

  it("answers 502 for an upstream that refuses, after its retries, and 504 for a slow one", async () => {
    let connections = 0;
    const refusing = createTcpServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(refusing, "listening");
    const { port } = refusing.address() as AddressInfo;
    gateway = await gatewayWith({ service: { port, retries: 2 } });
    const refused = await fetch(`${gateway.url}/api`);
    expect(refused.status).toBe(502);
    expect(await refused.json()).toMatchObject({
      message: "An invalid response was received from the upstream server",
    });
    expect(connections).toBe(3);
    // What may have reached the upstream is not sent again unless that is harmless.
    await fetch(`${gateway.url}/api`, { method: "POST", body: "x" });
    expect(connections).toBe(4);
    refusing.close();
    await gateway.stopAll();

    gateway = await gatewayWith({ service: { read_timeout: 50, retries: 0 }, upstream: () => {} });
    const slow = await fetch(`${gateway.url}/api`);
    expect(slow.status).toBe(504);
    expect(await slow.json()).toMatchObject({ message: "The upstream server is timing out" });
  });

  it("shows filters that the upstream failed", async () => {
    gateway = await gatewayWith({
      service: { port: 1, retries: 0 },
      plugins: [
        snippet(
          "header_filter",
          'kong.response.set_header("X-Source", kong.response.get_source())',
        ),
      ],
    });
    const answer = await fetch(`${gateway.url}/api`);
    expect([answer.status, answer.headers.get("x-source")]).toEqual([502, "error"]);
  });

  const logging = `return function()
    local path = kong.request.get_header("x-report")
    local line = kong.response.get_status() .. " " .. kong.response.get_source() .. " "
      .. tostring(ngx.ctx.complete) .. "\\n"
    ngx.timer.at(0, function()
      local socket = ngx.socket.tcp()
      socket:connect("127.0.0.1", tonumber(path))
      socket:send(line)
      socket:close()
    end)
  end`;

  /** The lines that the log phase has sent, as they come. */
  async function reports() {
    const server = createTcpServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      port: String((server.address() as AddressInfo).port),
      async next(): Promise<string> {
        const [socket] = await once(server, "connection");
        let text = "";
        for await (const chunk of socket) text += chunk;
        return text.trim();
      },
      close: () => server.close(),
    };
  }
  const reporting = {
    name: "post-function",
    config: { body_filter: ["ngx.ctx.complete = ngx.arg[2]"], log: [logging] },
  };

  it("runs log after whole, cut and abandoned answers, and tells them apart", async () => {
    const log = await reports();
    let left = () => {};
    const upstreamLeft = new Promise<void>((resolve) => {
      left = resolve;
    });
    gateway = await gatewayWith({
      route: { response_buffering: false },
      plugins: [reporting],
      upstream(request, response) {
        response.write("some");
        if (request.url === "/api/whole") response.end();
        if (request.url === "/api/cut") setTimeout(() => response.destroy(), 20);
        response.on("close", () => request.url === "/api/left" && left());
      },
    });
    const headers = { "x-report": log.port };

    const whole = log.next();
    expect(await (await fetch(`${gateway.url}/api/whole`, { headers })).text()).toBe("some");
    expect(await whole).toBe("200 service true");

    const cut = log.next();
    await expect((await fetch(`${gateway.url}/api/cut`, { headers })).text()).rejects.toThrow();
    expect(await cut).toBe("200 service false");

    const abandoned = log.next();
    const leaving = new AbortController();
    await fetch(`${gateway.url}/api/left`, { headers, signal: leaving.signal });
    leaving.abort();
    await upstreamLeft;
    expect(await abandoned).toBe("200 service false");
    log.close();
  });

  it("logs 499 for a client that has left before it was answered", async () => {
    const log = await reports();
    let arrived = () => {};
    const waiting = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    gateway = await gatewayWith({ plugins: [reporting], upstream: () => arrived() });
    const request = httpRequest(`${gateway.url}/api`, { headers: { "x-report": log.port } });
    request.on("error", () => {}).end();
    await waiting;
    const report = log.next();
    request.destroy();
    expect(await report).toBe("499 service nil");
    log.close();
  });

  it("keeps serving after a client that sends no whole body", async () => {
    gateway = await gatewayWith({
      plugins: [snippet("access", "kong.request.get_raw_body()")],
    });
    const socket = connect(gateway.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write("POST /api HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this");
    socket.end();
    socket.resume();
    await once(socket, "close");
    expect((await fetch(`${gateway.url}/api`)).status).toBe(200);
  });

  it.each([
    [[{ name: "no-such-plugin" }], "plugin 'no-such-plugin' not enabled"],
    [
      [{ name: "key-auth", config: { key_name: "x" } }],
      'plugin "key-auth": config.key_name: unknown field',
    ],
    [
      [{ name: "key-auth", config: { hide_credentials: "yes" } }],
      "config.hide_credentials: expected a boolean",
    ],
    [[snippet("access", "local = 1")], 'plugin "post-function": config.access: error parsing'],
    [[snippet("log", "return"), snippet("log", "return")], "configured twice for the same scope"],
  ])("does not start with %j", async (plugins, message) => {
    await expect(gatewayWith({ plugins })).rejects.toThrow(message);
  });

  it("accepts Kong's other plugins, and does not run them", async () => {
    gateway = await gatewayWith({ plugins: [{ name: "prometheus" }] });
    expect((await fetch(`${gateway.url}/api`)).status).toBe(200);
  });
});
