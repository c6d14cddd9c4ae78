// The command line as Kong and operators run it: processes of their own, with an empty environment.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kongLlm } from "../dev/plugin-server";
import { runKongLlm } from "../test/support/command";
import { KongSide } from "../test/support/kong-side";

const root = join(__dirname, "..");
const plugins = join(root, "test/fixtures/plugins");

describe("kong-llm", () => {
  let folder: string;
  let lines: string[];
  let printed: string;
  const servers: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "main-"));
    lines = [];
    printed = "";
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map(killed));
    rmSync(folder, { recursive: true });
  });

  const socket = () => join(folder, "run/kong.sock");
  const flags = () => [
    ...["--plugins", plugins, "--socket", socket(), "--health-address", "off"],
    ...["--outcomes-socket", join(folder, "run/outcomes.sock"), "--socket-mode", "0660"],
  ];

  /** Starts `serve` with nothing in its environment; settles when it listens. */
  async function serve(args = flags(), env: NodeJS.ProcessEnv = {}): Promise<ChildProcess> {
    const server = spawn(process.execPath, kongLlm(["serve", ...args]), { cwd: root, env });
    servers.push(server);
    server.stdout.on("data", (data) => {
      printed += data;
    });
    let said = "";
    await new Promise<void>((listening, failed) => {
      server.on("exit", (code) => failed(new Error(`exit ${code}: ${said}`)));
      server.stderr.on("data", (data) => {
        said += data;
        lines.push(...`${data}`.trim().split("\n"));
        if (said.includes('"plugin server is listening"')) listening();
      });
    });
    return server;
  }

  /** What it prints when nothing is wrong. */
  async function printedBy(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runKongLlm(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  }

  describe("serve", () => {
    it("renders no values of a chart, which are a map of entities as well", async () => {
      const values = join(root, "helm-values/dbless.yaml");
      const { stdout, stderr, code } = await runKongLlm(["render", values]);
      expect(stderr).toContain("dbless.yaml has no _format_version");
      expect([stdout, code]).toEqual(["", 1]);
    });

    it("finishes open events on SIGTERM, removes its sockets and leaves with 0", async () => {
      const server = await serve();
      expect(statSync(socket()).mode & 0o777).toBe(0o660);
      const kong = await KongSide.to(socket());
      const { result } = await kong.handle(await kong.start("probe"));
      const exited = once(server, "exit");
      server.kill("SIGTERM");
      await expect.poll(() => existsSync(socket())).toBe(false);
      expect((await kong.step(result.EventId, "return")).result.Data).toBe("ret");
      expect(await exited).toEqual([0, null]);
      expect(readdirSync(join(folder, "run"))).toEqual([]);
      expect(printed).toBe("");
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: "info" });
    });

    it("opens the socket for outcomes beside the other, unless it is told where", async () => {
      const own = ["--plugins", plugins, "--socket", socket(), "--health-address", "off"];
      await serve(own);
      expect(readdirSync(join(folder, "run")).sort()).toEqual([
        ...["kong.sock", "kong.sock.ask", "outcomes.sock"],
      ]);
    });

    it("leaves at once on the second signal", async () => {
      const server = await serve();
      const kong = await KongSide.to(socket());
      await kong.handle(await kong.start("probe"));
      const exited = once(server, "exit");
      server.kill("SIGTERM");
      await expect.poll(() => existsSync(socket())).toBe(false);
      server.kill("SIGINT");
      expect(await exited).toEqual([1, null]);
    });

    it("refuses to start beside another server, and the other goes on", async () => {
      await serve();
      await expect(serve()).rejects.toThrow(
        `kong-llm: another plugin server is listening on ${join(folder, "run/outcomes.sock")}`,
      );
      await KongSide.to(socket()).then((kong) => kong.close());
    });

    it("logs what goes wrong outside of requests, and serves the others", async () => {
      await serve();
      const kong = await KongSide.to(socket());
      const instance = await kong.start("probe");
      const [one, other] = [await kong.handle(instance), await kong.handle(instance)];
      const failing = kong.step(one.result.EventId, "fails-outside");
      expect((await failing).result.Data).toBe("ret");
      expect((await kong.step(other.result.EventId, "return")).result.Data).toBe("ret");
      const logged = () => lines.join("\n");
      await expect.poll(logged).toContain("unhandled rejection");
      await expect.poll(logged).toContain("uncaught exception");
      expect(logged()).not.toContain("nobody");
    });

    it("takes every option from the environment too", async () => {
      await serve([], {
        KONG_LLM_PLUGINS: plugins,
        KONG_LLM_SOCKET: socket(),
        KONG_LLM_OUTCOMES_SOCKET: join(folder, "o.sock"),
        KONG_LLM_SOCKET_MODE: "0600",
        KONG_LLM_HEALTH_ADDRESS: "off",
        KONG_LLM_MAX_FRAME_BYTES: "1000000",
        KONG_LLM_EVENT_TIMEOUT: "30",
      });
      expect(statSync(socket()).mode & 0o777).toBe(0o600);
    });

    it.each([
      ["--socket-mode", "rw", "give it as 0666"],
      ["--health-address", "9100", "give it as 127.0.0.1:9100"],
      ["--event-timeout", "0", "give a whole number above 0"],
    ])("refuses %s %s", async (flag, value, message) => {
      await expect(serve([...flags(), flag, value])).rejects.toThrow(message);
    });
  });

  describe("schema", () => {
    it("prints the dump of one plugin and nothing else", async () => {
      const printed = await printedBy("schema", "--plugins", plugins, "probe");
      expect(JSON.parse(printed)).toMatchObject([{ Name: "probe", Phases: ["access", "log"] }]);
    });

    it("prints all without a name, ours by default", async () => {
      const names = JSON.parse(await printedBy("schema")).map(({ Name }: { Name: string }) => Name);
      expect(names).toContain("llm-gateway");
    });

    it("ends without a word where its reader has left", async () => {
      const child = spawn(process.execPath, kongLlm(["schema"]), { cwd: root, env: {} });
      servers.push(child);
      child.stdout.destroy();
      let said = "";
      child.stderr.on("data", (data) => {
        said += data;
      });
      const [code] = await once(child, "close");
      expect([code, said]).toEqual([141, ""]);
    });

    it("fails for a plugin that is not there, and names those that are", async () => {
      const ended = await runKongLlm(["schema", "--plugins", plugins, "prob"]);
      expect(ended).toEqual({
        code: 1,
        stdout: "",
        stderr: expect.stringContaining("kong-llm: no plugin is named prob; there are probe"),
      });
    });
  });

  describe("install", () => {
    it("writes dumps for cat to be the query_cmd, and Lua that Kong finds by name", async () => {
      expect(await printedBy("install", "--dir", folder)).toContain(
        `lua_package_path=${folder}/?.lua;;`,
      );
      const file = (path: string) => readFileSync(join(folder, path), "utf8");
      expect(JSON.parse(file("dumps/llm-gateway.json"))).toMatchObject([{ Name: "llm-gateway" }]);
      expect(file("kong/plugins/llm-gateway/handler.lua")).toContain("llm-gateway");
      expect(file("kong/plugins/llm-client-key/handler.lua")).toContain("PRIORITY = 1260");
      for (const module of file("kong_llm/driver.lua").matchAll(/require\("([^"]+)"\)/g)) {
        expect(() => file(`${module[1]!.replaceAll(".", "/")}.lua`)).not.toThrow();
      }
    });
  });
});

async function killed(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGKILL");
  await exited;
}
