import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { gatewayWith, type TestGateway } from "./gateway.fixture";
import { type LuaFiles, luaFiles, luaPlugin } from "./lua-files.fixture";

describe("a reload of the stand-in", () => {
  let gateway: TestGateway | undefined;
  let files: LuaFiles | undefined;
  const stops: (() => void)[] = [];
  afterEach(async () => {
    await gateway?.stopAll();
    files?.remove();
    for (const stop of stops.splice(0)) stop();
    gateway = files = undefined;
  });

  /** A service that answers when it is told to, behind a plugin; and a place to send lines to. */
  async function start(handler: (port: number) => string) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    stops.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    files = luaFiles(luaPlugin("ours", handler(port)));
    gateway = await gatewayWith({
      luaPackagePath: files.directory,
      plugins: [{ name: "ours" }],
      route: { response_buffering: false },
      async upstream(request, response) {
        response.write("begun ");
        if (request.url === "/api/slow") await opened;
        response.end("ended");
      },
    });
    return {
      gateway,
      open,
      async nextLine(): Promise<string> {
        const [socket] = await once(server, "connection");
        let text = "";
        for await (const chunk of socket) text += chunk;
        return text;
      },
    };
  }

  it("gives new requests to a new worker, and lets the old one end what it has begun", async () => {
    const { gateway, open } = await start(
      () => `local n = 0
        function plugin:access()
          n = n + 1
          kong.response.set_header("X-Worker", ngx.worker.pid() .. " " .. n)
        end
        function plugin:body_filter()
          if ngx.arg[2] then ngx.arg[1] = " " .. tostring(ngx.worker.exiting()) end
        end`,
    );
    const worker = (answer: Response) => answer.headers.get("x-worker")?.split(" ");
    const slow = await fetch(`${gateway.url}/api/slow`);
    const [oldPid] = worker(slow) ?? [];
    let ended = false;
    const reloaded = gateway.reload().then(() => {
      ended = true;
    });
    const fresh = await fetch(`${gateway.url}/api`);
    expect(await fresh.text()).toBe("begun ended false");
    const [newPid, count] = worker(fresh) ?? [];
    expect(newPid).not.toBe(oldPid);
    expect(count).toBe("1");
    expect(ended).toBe(false);

    open();
    expect(await slow.text()).toBe("begun ended true");
    await reloaded;
  });

  it("takes another configuration, and keeps the old one where that is not usable", async () => {
    const { gateway } = await start(() => "");
    await expect(gateway.reload("_format_version: '9'")).rejects.toThrow();
    expect((await fetch(`${gateway.url}/api`)).status).toBe(200);
    await gateway.reload("_format_version: '3.0'");
    expect((await fetch(`${gateway.url}/api`)).status).toBe(404);
  });

  // Sends a line from a timer of the kind that is given.
  const reporting = (timer: string) => (port: number) =>
    `
    local function send(premature)
      local ok, why = native_timer_at(1, function() end)
      local line = tostring(premature) .. " " .. tostring(ok) .. " " .. tostring(why)
      local socket = ngx.socket.tcp()
      socket:connect("127.0.0.1", ${port})
      socket:send(line)
      socket:close()
    end
    function plugin:log() kong.ctx.shared.ok = ${timer}(0, send) end`;

  it("lets a stream that ends in the old worker report by nginx's own timer", async () => {
    const { gateway, open, nextLine } = await start(reporting("native_timer_at"));
    const slow = await fetch(`${gateway.url}/api/slow`);
    const reloaded = gateway.reload();
    const line = nextLine();
    open();
    await slow.text();
    expect(await line).toBe("true nil process exiting");
    await reloaded;
  });

  it("loses what a stream that ends in the old worker gives to ngx.timer.at", async () => {
    const { gateway, open, nextLine } = await start(reporting("ngx.timer.at"));
    const slow = await fetch(`${gateway.url}/api/slow`);
    const reloaded = gateway.reload();
    const line = nextLine();
    open();
    await slow.text();
    await reloaded;
    await (await fetch(`${gateway.url}/api`)).text();
    // The first line that arrives is that of the new worker.
    expect(await line).toBe("false true nil");
  });

  it("ends what waits in nginx's own timers at once, and says that it is premature", async () => {
    const { gateway, nextLine } = await start(
      (port) => `function plugin:init_worker()
        native_timer_at(3600, function(premature)
          local socket = ngx.socket.tcp()
          socket:connect("127.0.0.1", ${port})
          socket:send(tostring(premature) .. tostring(ngx.worker.exiting()))
          socket:close()
        end)
      end`,
    );
    const line = nextLine();
    await gateway.reload();
    expect(await line).toBe("truetrue");
  });
});
