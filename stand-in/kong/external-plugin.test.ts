import { afterEach, describe, expect, it } from "vitest";
import { gatewayWith, snippet, type TestGateway } from "./gateway.fixture";
import {
  calling,
  dumpOf,
  type Script,
  type ScriptedServer,
  scriptedServer,
} from "./plugin-server.fixture";

describe("an external plugin in the stand-in", () => {
  let server: ScriptedServer | undefined;
  let gateway: TestGateway | undefined;
  afterEach(async () => {
    await gateway?.stopAll();
    await server?.stop();
    gateway = server = undefined;
  });

  interface Given {
    plugins?: object[];
    phases?: string[];
    config?: object;
    environment?: Record<string, string>;
  }

  async function start(script: Script, given: Given = {}) {
    server = await scriptedServer(script);
    gateway = await gatewayWith({
      dumps: [dumpOf("ours", given.phases)],
      socket: server.path,
      plugins: [{ name: "ours", config: given.config }, ...(given.plugins ?? [])],
      environment: given.environment ?? {},
    });
    const { url } = gateway;
    return {
      server,
      ask: (path = "/api", init?: RequestInit) => fetch(url + path, init),
    };
  }
  const methodsOf = ({ messages }: ScriptedServer) => messages.map(({ method }) => method);

  it("is started with its config, and Kong's own keys in it, at the first request", async () => {
    const { ask, server } = await start(calling(), { config: { text: "안녕" } });
    expect(server.messages).toEqual([]);
    await ask();
    await ask();
    expect(methodsOf(server)).toEqual([
      "plugin.StartInstance",
      "plugin.HandleEvent",
      "plugin.HandleEvent",
    ]);
    const { Name, Config } = server.messages[0]!.argument;
    expect(Name).toBe("ours");
    expect(JSON.parse(Buffer.from(String(Config), "latin1").toString())).toEqual({
      text: "안녕",
      __plugin_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      __key__: expect.stringMatching(/^plugins:ours::[0-9a-f-]{36}:::[0-9a-f-]{36}$/),
      __seq__: 1,
      __ws_id: expect.any(String),
      service_id: expect.any(String),
    });
    expect(server.messages[1]!.argument).toEqual({ InstanceId: 7, EventName: "access" });
  });

  it("is started once for requests that come together", async () => {
    const { ask, server } = await start(calling());
    await Promise.all(Array.from({ length: 10 }, () => ask()));
    expect(methodsOf(server).filter((method) => method.endsWith("StartInstance"))).toHaveLength(1);
  });

  it("gets what it asks for, each kind by its step", async () => {
    const { ask, server } = await start(
      calling(
        ["kong.request.get_method"],
        ["kong.request.get_headers"],
        ["kong.request.get_query"],
        ["kong.request.get_raw_body", 0],
        ["kong.request.get_header", "x-absent"],
        ["kong.client.get_consumer"],
        ["kong.router.get_route"],
        ["kong.nothing.like_this"],
        ["kong.log.warn", "seen"],
      ),
    );
    await ask("/api?a=1&b&a=2", {
      method: "POST",
      body: "\u00e9",
      headers: { "x-multi": "one" },
    });
    const steps = server.messages.slice(2).map(({ method, argument }) => [method, argument.Data]);
    expect(steps).toEqual([
      ["plugin.Step", "POST"],
      ["plugin.StepMultiMap", expect.objectContaining({ "x-multi": ["one"] })],
      ["plugin.StepMultiMap", { a: ["1", "2"], b: [] }],
      ["plugin.Step", "\xc3\xa9"],
      ["plugin.Step", undefined],
      ["plugin.StepConsumer", undefined],
      ["plugin.StepRoute", expect.objectContaining({ name: "all", strip_path: false })],
      ["plugin.Step", undefined],
      ["plugin.Step", undefined],
    ]);
  });

  it("reads what Lua has left in kong.ctx.shared, and leaves something there", async () => {
    const { ask, server } = await start(
      calling(
        ["kong.ctx.shared.get", "gathered"],
        ["kong.ctx.shared.set", "decision", { headers: { a: "1" }, list: ["x"] }],
        ["kong.ctx.shared.get", "none"],
      ),
      {
        plugins: [
          snippet(
            "access",
            'kong.ctx.shared.gathered = { body = "\\255", n = 1.5 }',
            "pre-function",
          ),
          snippet(
            "header_filter",
            'local d = kong.ctx.shared.decision kong.response.set_header("X-D", d.headers.a .. d.list[1])',
          ),
        ],
      },
    );
    const answer = await ask();
    expect(answer.headers.get("x-d")).toBe("1x");
    expect(server.messages[2]?.argument).toEqual({ EventId: 3, Data: { body: "\xff", n: 1.5 } });
    expect(server.messages.at(-1)?.argument).toEqual({ EventId: 3 });
  });

  it("changes the upstream request and the answer", async () => {
    const { ask } = await start(
      calling(
        ["kong.service.request.set_headers", { authorization: "Bearer x" }],
        ["kong.response.set_header", "X-Ours", "1"],
      ),
    );
    expect((await ask()).headers.get("x-ours")).toBe("1");
  });

  it("answers the request, and its event is never stepped again", async () => {
    const { ask, server } = await start(
      calling(["kong.response.exit", 429, '{"a":1}', { "Retry-After": "1" }]),
    );
    const answer = await ask();
    expect(answer.status).toBe(429);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.text()).toBe('{"a":1}');
    expect(methodsOf(server)).toEqual(["plugin.StartInstance", "plugin.HandleEvent"]);
  });

  it("with a bad argument is a 500, and its event is never stepped again", async () => {
    const { ask, server } = await start(
      calling(["kong.service.request.set_header", "a", undefined]),
    );
    expect((await ask()).status).toBe(500);
    expect(methodsOf(server)).toHaveLength(2);
  });

  it("is started anew when the server does not know its instance", async () => {
    let known = true;
    const { ask, server } = await start(({ method }) => {
      if (method === "plugin.StartInstance") {
        known = true;
        return { Id: 1 };
      }
      return known ? { EventId: 1, Data: "ret" } : new Error("No Plugin Instance 1");
    });
    await ask();
    known = false;
    expect((await ask()).status).toBe(200);
    expect(methodsOf(server).slice(2)).toEqual([
      "plugin.HandleEvent",
      "plugin.StartInstance",
      "plugin.HandleEvent",
    ]);
  });

  it("that answers with another error lets the request through, as Kong does", async () => {
    const { ask } = await start(({ method }) =>
      method === "plugin.StartInstance" ? { Id: 1 } : new Error("out of order"),
    );
    expect(await (await ask()).text()).toBe("from upstream");
  });

  it("that cannot be started is a 500, and is tried again", async () => {
    let works = false;
    const { ask } = await start(({ method }) => {
      if (method !== "plugin.StartInstance") return { EventId: 1, Data: "ret" };
      return works ? { Id: 1 } : new Error("bad config");
    });
    const answer = await ask();
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ message: "An unexpected error occurred" });
    works = true;
    expect((await ask()).status).toBe(200);
  });

  it("whose server dies lets requests through, and whose server never lived does not", async () => {
    const { ask, server } = await start(calling());
    expect((await ask()).status).toBe(200);
    await server.stop();
    expect(await (await ask()).text()).toBe("from upstream");

    await gateway?.stopAll();
    gateway = await gatewayWith({
      dumps: [dumpOf("ours")],
      socket: server.path,
      plugins: [{ name: "ours" }],
    });
    expect((await fetch(`${gateway.url}/api`)).status).toBe(500);
  });

  it("whose server breaks off in the middle of an event lets the request through", async () => {
    const { ask } = await start(({ method }) =>
      method === "plugin.StartInstance" ? { Id: 1 } : undefined,
    );
    expect((await ask()).status).toBe(200);
  });

  it("uses as many connections as events wait at once, again and again", async () => {
    const { ask, server } = await start(calling());
    for (let round = 0; round < 5; round++) await ask();
    expect(server.connections).toBe(1);
  });

  it("logs after the answer where its dump says so", async () => {
    const { ask, server } = await start(
      ({ method, argument }) => {
        if (method === "plugin.StartInstance") return { Id: 1 };
        const asks = argument.EventName === "log";
        return {
          EventId: 1,
          Data: asks ? { Method: "kong.response.get_status", Args: [] } : "ret",
        };
      },
      { phases: ["log"] },
    );
    await (await ask()).text();
    await expect.poll(() => methodsOf(server)).toHaveLength(3);
    expect(server.messages[1]?.argument.EventName).toBe("log");
    expect(server.messages[2]?.argument.Data).toBe(200);
  });
});
