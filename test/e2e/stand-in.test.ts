import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { freePort } from "../../dev/plugin-server";

const root = join(__dirname, "../..");

// Of this file alone: other tests run at the same time.
const temporary = mkdtempSync(join(tmpdir(), "start-"));

describe("npm start", () => {
  let started: Started | undefined;
  afterEach(() => started?.stop("SIGTERM"));
  afterAll(() => rmSync(temporary, { recursive: true }));

  it("prints where the gateway is, and what it prints works", async () => {
    started = await start(await freePort());
    const { text } = started;
    expect(text).toContain("a stand-in for Kong");
    expect(text).toContain("limits and cache live in the plugin server's memory");

    const openai = new OpenAI({ baseURL: `${started.url}/v1`, apiKey: started.key });
    const asked = { model: "gpt-4", messages: [{ role: "user" as const, content: "hello" }] };
    const answer = await openai.chat.completions.create(asked);
    expect(answer.choices[0]?.message.content).toBe("gpt-4.1 heard: hello");
    const metrics = /metrics +(\S+)/.exec(text)?.[1] ?? "";
    expect((await fetch(metrics)).status).toBe(200);
    const wrong = await fetch(`${started.url}/v1/models`, { headers: { "x-api-key": "wrong" } });
    expect(wrong.status).toBe(401);
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "leaves no process and no socket after %s",
    async (signal) => {
      started = await start(await freePort());
      expect(sockets()).toHaveLength(1);
      const metrics = /metrics +(\S+)/.exec(started.text)?.[1] ?? "";

      expect(await started.stop(signal)).toBe(0);
      expect(sockets()).toEqual([]);
      await expect(fetch(metrics)).rejects.toThrow("fetch failed");
      await expect(fetch(started.url)).rejects.toThrow("fetch failed");
    },
  );

  it("says which port is taken, and what to do", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    await expect(start(port)).rejects.toThrow(
      `port ${port} of 127.0.0.1 is taken: free it, or choose another with PORT or --port`,
    );
    taken.close();
  });

  it("says what is wrong with a kong.yaml", async () => {
    await expect(start(await freePort(), [join(root, "package.json")])).rejects.toThrow(
      "kong-llm: _format_version:",
    );
  });
});

interface Started {
  text: string;
  url: string;
  key: string;
  /** Settles with the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** @throws Error with what it wrote to stderr, when it ends before it has started */
async function start(port: number, args: string[] = []): Promise<Started> {
  const { HOLYSHEEP_API_KEY: _key, REDIS_URL: _redis, ...environment } = process.env;
  const child = spawn(
    process.execPath,
    ["--import", "tsx", join(root, "dev/start.ts"), "--port", String(port), ...args],
    { cwd: root, env: { ...environment, TMPDIR: temporary }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const text = await greeting(child);
  return {
    text,
    url: /listening on (\S+)/.exec(text)?.[1] ?? "",
    key: /API key +(\S+)/.exec(text)?.[1] ?? "",
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, "exit");
      child.kill(signal);
      return (await exited)[0];
    },
  };
}

function greeting(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let [out, errors] = ["", ""];
    const late = setTimeout(() => child.kill("SIGKILL"), 100_000);
    child.stderr?.on("data", (chunk) => {
      errors += chunk;
    });
    child.stdout?.on("data", (chunk) => {
      out += chunk;
      if (!out.includes("Ctrl-C")) return;
      clearTimeout(late);
      resolve(out);
    });
    child.on("exit", () => {
      clearTimeout(late);
      reject(new Error(errors));
    });
  });
}

function sockets(): string[] {
  return readdirSync(temporary).filter((name) => name.startsWith("kong-llm-"));
}
