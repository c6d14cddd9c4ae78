import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Gate, type ModelServer, startModelServer } from "../model-server";
import { gatewayWith, type TestGateway } from "./gateway.fixture";
import { type LuaFiles, luaFiles, luaPlugin } from "./lua-files.fixture";

describe("a stream in the stand-in", () => {
  let gateway: TestGateway | undefined;
  let model: ModelServer | undefined;
  let files: LuaFiles | undefined;
  afterEach(async () => {
    await gateway?.stopAll();
    await model?.close();
    files?.remove();
    gateway = model = files = undefined;
  });

  // Tells in log what the filters and nginx have seen of the end.
  const reporting = (port: number) => `
    function plugin:body_filter()
      local seen = kong.ctx.plugin
      if (ngx.arg[1] or ""):find("[DONE]", 1, true) then seen.done = true end
      if ngx.arg[2] then seen.last = true end
    end
    function plugin:log()
      local line = require("cjson").encode({
        done = kong.ctx.plugin.done, last = kong.ctx.plugin.last or false,
        completion = ngx.var.request_completion, status = kong.response.get_status(),
      })
      ngx.timer.at(0, function()
        local socket = ngx.socket.tcp()
        socket:connect("127.0.0.1", ${port})
        socket:send(line)
        socket:close()
      end)
    end`;

  /** A stream of which the client reads to [DONE], and then leaves or stays; what log tells. */
  async function streamed(leaves: boolean): Promise<unknown> {
    const reports = createServer().listen(0, "127.0.0.1");
    await once(reports, "listening");
    const ends = new Gate();
    model = await startModelServer();
    model.behave({ holdEnd: ends });
    files = luaFiles(luaPlugin("ours", reporting((reports.address() as AddressInfo).port)));
    gateway = await gatewayWith({
      luaPackagePath: files.directory,
      plugins: [{ name: "ours" }],
      service: { port: model.port },
      route: { paths: ["/v1"], response_buffering: false },
    });
    const report = once(reports, "connection").then(async ([socket]) => {
      let text = "";
      for await (const chunk of socket) text += chunk;
      return JSON.parse(text) as unknown;
    });

    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer sk" },
      body: JSON.stringify({ model: "m", stream: true, messages: [] }),
    });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let received = "";
    while (!received.endsWith("data: [DONE]\n\n")) received += (await reader.read()).value;
    if (leaves) {
      await reader.cancel();
      expect(await model.requests[0]?.ended).toBe("cut");
    }
    ends.open();
    if (!leaves) expect((await reader.read()).done).toBe(true);
    const told = await report;
    reports.close();
    return told;
  }

  it("that its client leaves at [DONE] has no last chunk and no completion, and status 200", async () => {
    expect(await streamed(true)).toEqual({ done: true, last: false, completion: "", status: 200 });
  });

  it("that its client reads to the end has both", async () => {
    expect(await streamed(false)).toEqual({
      done: true,
      last: true,
      completion: "OK",
      status: 200,
    });
  });
});

describe("a client that leaves before its body was read", () => {
  // Waits for the test in access, and reads the body then; tells how it ended in log.
  const reading = (port: number) => `
    local function tell(line)
      local socket = ngx.socket.tcp()
      socket:connect("127.0.0.1", ${port})
      socket:send(line .. "\\n")
      return socket
    end
    function plugin:access()
      tell("waits"):receive("*l")
      kong.request.get_raw_body(0)
    end
    function plugin:log()
      local status = kong.response.get_status()
      ngx.timer.at(0, function() tell("ended with " .. status):close() end)
    end`;

  it.each([
    ["half of it", "half"],
    ["all of it", "half and half"],
  ])("and has sent %s ends its request, and Kong can stop", async (_, sent) => {
    const told = createServer().listen(0, "127.0.0.1");
    await once(told, "listening");
    const files = luaFiles(luaPlugin("ours", reading((told.address() as AddressInfo).port)));
    const gateway = await gatewayWith({
      luaPackagePath: files.directory,
      plugins: [{ name: "ours" }],
    });

    const waits = once(told, "connection");
    const client = connect(gateway.port, "127.0.0.1");
    client.write(`POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 13\r\n\r\n${sent}`);
    const [waiting] = await waits;
    const ended = once(told, "connection").then(
      async ([socket]) => `${await once(socket, "data")}`,
    );
    client.destroy();
    await once(client, "close");
    // What the client has done is known to Kong before the plugin goes on.
    await fetch(gateway.url);
    waiting.write("go on\n");
    expect(await ended).toBe("ended with 499\n");
    await gateway.stopAll();
    told.close();
    files.remove();
  });
});
