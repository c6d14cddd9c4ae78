import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { log } from "../stages/log";
import { showNeighbour } from "../stages/neighbours";
import { delivery } from "../stages/outcome";
import { KongSide } from "../test/support/kong-side";
import { FrameSplitter } from "./frames";
import { decode, encode } from "./message-pack";
import { type PluginServer, type ServerOptions, startServer } from "./server";

const plugins = join(__dirname, "../test/fixtures/plugins");

describe("server", () => {
  let folder: string;
  let server: PluginServer;
  let kong: KongSide;
  let probe: { seen: unknown[]; release: () => void };
  const path = () => join(folder, "kong.sock");

  async function use(options: Partial<ServerOptions> = {}): Promise<void> {
    server = await startServer({ plugins, socket: { path: path(), mode: 0o600 }, ...options });
    kong = await KongSide.to(path());
  }

  /** Starts an event that does what the path names; settles with the answer after the path. */
  async function act(name: string, instance?: number, over = kong) {
    const { result } = await over.handle(instance ?? (await over.start("probe")));
    return over.step(result.EventId, name);
  }

  beforeEach(async () => {
    log.level = "silent";
    folder = mkdtempSync(join(tmpdir(), "server-"));
    probe = await import("../test/fixtures/plugins/probe/index.js" as string);
    probe.seen.length = 0;
  });
  afterEach(async () => {
    kong.close();
    await server.stop(0);
    log.level = "info";
    vi.restoreAllMocks();
    rmSync(folder, { recursive: true });
  });

  describe("a plugin of kong-pdk's contract", () => {
    it("runs over the socket", async () => {
      await use();
      const { result } = await act("two-calls");
      expect(result.Data).toEqual({ Method: "kong.request.get_method", Args: [] });
      expect((await kong.step(result.EventId, "POST")).result.Data).toEqual({
        Method: "kong.client.get_consumer",
        Args: [],
      });
      expect((await kong.step(result.EventId, { username: "a" })).result.Data).toBe("ret");
      expect(probe.seen).toEqual(["POST", { username: "a" }]);
    });

    it("reads and writes back a body of 8 MB", async () => {
      await use();
      const { result } = await act("echo-body");
      const body = Buffer.alloc(8 * 1024 * 1024, "body ");
      const written = await kong.step(result.EventId, body);
      const { Method, Args } = written.result.Data as { Method: string; Args: [string] };
      expect(Method).toBe("kong.service.request.set_raw_body");
      expect(Args[0] === body.toString()).toBe(true);
    });
  });

  it("keeps the bodies of many connections apart, in pieces and at once", async () => {
    await use();
    const instance = await kong.start("probe");
    const bodies = Array.from({ length: 16 }, (_, index) =>
      `${index} `.repeat(100 * index + 20_000),
    );
    const written = bodies.map(async (body) => {
      const own = await KongSide.to(path());
      const { result } = await act("echo-body", instance, own);
      const answer = own.send(Buffer.alloc(0), 99);
      const step = [0, 99, "plugin.Step", [{ EventId: result.EventId, Data: Buffer.from(body) }]];
      const frame = encode(step);
      for (let at = 0; at < frame.length; at += 3000) {
        await new Promise((sent) => own.socket.write(frame.subarray(at, at + 3000), sent));
      }
      const { Args } = (await answer).result.Data as { Method: string; Args: unknown[] };
      own.close();
      return Args[0];
    });
    expect(await Promise.all(written)).toEqual(bodies);
  });

  describe("the steps of an event", () => {
    it("may come over different connections", async () => {
      await use();
      const other = await KongSide.to(path());
      const { result } = await act("two-calls");
      expect((await other.step(result.EventId, "GET")).result.EventId).toBe(result.EventId);
      expect((await kong.step(result.EventId)).result.Data).toBe("ret");
      other.close();
    });

    it("may come in many chunks", async () => {
      await use();
      const { result } = await act("two-calls");
      const frame = encode([0, 77, "plugin.Step", [{ EventId: result.EventId, Data: "PUT" }]]);
      const answer = kong.send(Buffer.alloc(0), 77);
      for (const byte of frame) {
        await new Promise((written) => kong.socket.write(Buffer.from([byte]), written));
      }
      expect((await answer).result.Data).toMatchObject({ Method: "kong.client.get_consumer" });
    });

    it("are refused when the event is forgotten", async () => {
      await use();
      const { result } = await act("exit");
      expect(result.Data).toMatchObject({ Method: "kong.response.exit" });
      expect((await kong.step(result.EventId)).error).toContain("no such event");
    });
  });

  describe("a second question on a connection", () => {
    it("gives up the first: after a pause of the server Kong takes such a connection again", async () => {
      await use();
      const instance = await kong.start("probe");
      const ids: number[] = [];
      const splitter = new FrameSplitter();
      kong.socket.on("data", (chunk: Buffer) =>
        splitter.push(chunk, (...message) => ids.push((decode(...message) as number[])[1]!)),
      );
      const { result } = await kong.handle(instance);
      void kong.step(result.EventId, "waits-for-test");
      await expect.poll(() => probe.seen).toEqual(["waiting"]);
      const second = await kong.handle(instance);
      await expect.poll(() => server.events.size).toBe(1);
      probe.release();
      await expect.poll(() => probe.seen.at(-1)).toBe("let go");
      const third = await kong.step(second.result.EventId, "return");
      expect(third.result.Data).toBe("ret");
      expect(ids).toEqual([2, 4, 5]);
    });

    it("that comes together with the first is the one that is answered", async () => {
      await use();
      const instance = await kong.start("probe");
      const ids = Array.from({ length: 200 }, (_, index) => 1000 + index);
      const frames = ids.flatMap((id) => [
        encode([0, id, "plugin.GetPluginInfo", ["probe"]]),
        encode([0, -id, "plugin.HandleEvent", [{ InstanceId: instance, EventName: "access" }]]),
      ]);
      const answered: number[] = [];
      for (const id of ids) {
        void kong.send(Buffer.alloc(0), id).then(() => answered.push(id));
        void kong.send(Buffer.alloc(0), -id).then(() => answered.push(-id));
      }
      kong.socket.write(Buffer.concat(frames));
      await expect.poll(() => answered.at(-1)).toBe(-1199);
      // Only where the bytes came in several pieces was one of them answered in between.
      expect(answered.length).toBeLessThan(20);
    });
  });

  describe("a client that vanishes", () => {
    it("while it carries out a call: the call rejects after the timeout", async () => {
      await use({ events: { timeoutSeconds: 0.05 } });
      await act("waits-for-kong");
      kong.close();
      await expect
        .poll(() => probe.seen)
        .toEqual([expect.stringContaining("not_stepped"), "let go"]);
      expect(server.events.size).toBe(0);
    });

    it("while it waits for the plugin: the event is forgotten at once", async () => {
      await use();
      const { result } = await kong.handle(await kong.start("probe"));
      void kong.step(result.EventId, "waits-for-test");
      await expect.poll(() => probe.seen).toEqual(["waiting"]);
      kong.close();
      await expect.poll(() => server.events.size).toBe(0);
      probe.release();
      await expect.poll(() => probe.seen.at(-1)).toBe("let go");
      expect(probe.seen[1]).toContain("is over");
    });
  });

  describe("a peer that does not read its answers", () => {
    it("is not read either, and others are served", async () => {
      await use();
      const instance = await kong.start("probe");
      const deaf = await KongSide.to(path());
      deaf.socket.pause();
      const question = encode([0, 1, "plugin.GetPluginInfo", ["probe"]]);
      const flood = Buffer.concat(Array<Buffer>(1000).fill(question));
      let sent = 0;
      while (deaf.socket.write(flood) && sent < 1000) sent++;
      expect((await act("return", instance)).result.Data).toBe("ret");
      deaf.close();
    });
  });

  describe("an instance", () => {
    it("that is unknown makes Kong start a new one", async () => {
      await use();
      expect((await kong.handle(5)).error).toBe("no plugin instance #5");
      expect((await kong.ask("InstanceStatus", "x")).error).toBe("no plugin instance #?");
    });

    it("that is closed is unknown afterwards", async () => {
      await use();
      const id = await kong.start("probe");
      expect((await kong.ask("InstanceStatus", id)).result).toMatchObject({ Id: id });
      expect((await kong.ask("CloseInstance", id)).result).toMatchObject({ Id: id });
      expect((await kong.ask("CloseInstance", id)).error).toContain("no plugin instance");
      expect(server.instances.size).toBe(0);
    });

    it("that Kong never closes is dropped after long idleness", async () => {
      await use({ instances: { idleSeconds: 0.05 } });
      const id = await kong.start("probe");
      await expect.poll(() => server.instances.size).toBe(0);
      expect((await kong.handle(id)).error).toContain("no plugin instance");
    });

    it("does not give its config back: it holds secrets", async () => {
      await use();
      const config = JSON.stringify({ key: "sk-0123456789abcdef" });
      const { result } = await kong.ask("StartInstance", { Name: "probe", Config: config });
      expect(result).toEqual({
        Name: "probe",
        Id: expect.any(Number),
        Config: {},
        StartTime: expect.any(Number),
      });
    });

    it.each([
      ["repeats a secret", { fail: "sk-0123456789abcdef" }, /^plugin probe refuses .* \(not shown/],
      ["names the option", { issue: "sk-0123456789abcdef" }, /models\.aliases\.0\.name: expected/],
    ])("whose constructor %s is refused without any secret", async (_, config, message) => {
      await use();
      const lines = vi.spyOn(log, "error");
      const { error } = await kong.ask("StartInstance", {
        Name: "probe",
        Config: JSON.stringify(config),
      });
      expect(error).toMatch(message);
      expect(error + JSON.stringify(lines.mock.calls)).not.toContain("sk-01");
    });

    it("needs a config that is JSON, of a plugin that is here", async () => {
      await use();
      const broken = await kong.ask("StartInstance", { Name: "probe", Config: '{"key": sk-123' });
      expect(broken.error).toBe("plugin probe: its config is not JSON");
      const unknown = await kong.ask("StartInstance", { Name: "nothing", Config: "{}" });
      expect(unknown.error).toContain("no plugin of that name here: nothing");
    });
  });

  describe("the other methods", () => {
    it("tell what runs here", async () => {
      await use();
      const id = await kong.start("probe");
      expect((await kong.ask("GetStatus", null)).result).toMatchObject({
        Pid: process.pid,
        Plugins: { probe: { Instances: [{ Id: id }] } },
      });
      expect((await kong.ask("GetPluginInfo", "probe")).result).toMatchObject({ Name: "probe" });
    });

    it("are answered with an error when they are unknown, and the connection stays", async () => {
      await use();
      for (const method of ["SetPluginDir", "constructor", "__proto__", "x".repeat(1000)]) {
        expect((await kong.ask(method, "/")).error).toMatch(
          /^method plugin\..* is not known here$/,
        );
      }
      expect((await kong.ask("GetPluginInfo", "probe")).error).toBeUndefined();
    });
  });

  it.each([
    ["GetPluginInfo", "x".repeat(20_000)],
    ["Step", { EventId: 1, Data: "x".repeat(20_000) }],
  ])("closes a connection with a %s over its limit, and stays", async (method, argument) => {
    await use({ maxFrameBytes: 10_000 });
    const big = await KongSide.to(path());
    void big.ask(method, argument);
    await big.closed();
    expect((await act("return")).result.Data).toBe("ret");
  });

  describe("when it stops", () => {
    it("lets open events finish, and takes no new connections", async () => {
      await use();
      const { result } = await act("two-calls");
      const stopped = server.stop(10);
      await expect(KongSide.to(path())).rejects.toThrow("ENOENT");
      await kong.step(result.EventId, "GET");
      expect((await kong.step(result.EventId)).result.Data).toBe("ret");
      await stopped;
      await kong.closed();
    });

    it("refuses what has not finished in time", async () => {
      await use();
      const { result } = await kong.handle(await kong.start("probe"));
      const answer = kong.step(result.EventId, "waits-for-test");
      await expect.poll(() => probe.seen).toEqual(["waiting"]);
      await server.stop(0.02);
      const { Method, Args } = (await answer).result.Data as { Method: string; Args: unknown[] };
      expect([Method, Args[0]]).toEqual(["kong.response.exit", 503]);
      probe.release();
    });
  });

  describe("health", () => {
    async function get(what: string): Promise<[number, string]> {
      const response = await fetch(`http://127.0.0.1:${server.health!.port}${what}`);
      return [response.status, await response.text()];
    }

    it("is ready when it listens, and says which neighbours fail", async () => {
      await use({ health: { host: "127.0.0.1", port: 0 } });
      showNeighbour("redis test", () => ({ ok: false, detail: "does not answer" }));
      expect(await get("/healthz")).toEqual([200, "ok\n"]);
      const [status, body] = await get("/readyz");
      expect(status).toBe(200);
      expect(JSON.parse(body)).toMatchObject({
        ready: true,
        plugins: ["probe"],
        neighbours: { "redis test": { ok: false, detail: "does not answer" } },
      });
      expect((await get("/other"))[0]).toBe(404);
    });

    it("is not ready while it stops", async () => {
      await use({ health: { host: "127.0.0.1", port: 0 } });
      const { result } = await act("two-calls");
      const stopped = server.stop(100);
      expect((await get("/readyz"))[0]).toBe(503);
      await kong.step(result.EventId, "GET");
      await kong.step(result.EventId);
      await stopped;
    });

    it("counts", async () => {
      await use({ health: { host: "127.0.0.1", port: 0 } });
      await act("return");
      await act("two-calls");
      const [, text] = await get("/metrics");
      expect(text).toMatch(/llm_plugin_server_open_events 1\n/);
      expect(text).toMatch(/llm_plugin_server_instances [1-9]/);
      expect(text).toMatch(/llm_plugin_server_connections 1\n/);
      expect(text).toMatch(/llm_plugin_server_messages_total{method="plugin.Step"} \d/);
      expect(text).toMatch(
        /llm_plugin_server_phase_duration_seconds_count{plugin="probe",phase="access"} \d/,
      );
      expect(text).toContain("nodejs_eventloop_lag_seconds");
    });

    it("says clearly when its address is taken", async () => {
      await use({ health: { host: "127.0.0.1", port: 0 } });
      const port = server.health!.port;
      await expect(
        startServer({
          plugins,
          socket: { path: join(folder, "other.sock"), mode: 0o600 },
          health: { host: "127.0.0.1", port },
        }),
      ).rejects.toThrow(`the health address 127.0.0.1:${port} cannot be used`);
    });
  });

  it("tells its plugins where Kong shall deliver outcomes", async () => {
    await use({ outcomes: { path: join(folder, "outcomes.sock"), mode: 0o600 } });
    expect(delivery.socket).toBe(join(folder, "outcomes.sock"));
  });
});
