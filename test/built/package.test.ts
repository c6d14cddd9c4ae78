// The package as somebody gets it who has no repository: packed, unpacked in an empty folder beside its
// dependencies alone, and used.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../dev/plugin-server";
import { version } from "../../package.json";

const run = promisify(execFile);
const root = join(__dirname, "../..");
let folder: string;

const main = () => join(folder, "node_modules/kong-llm/dist/cli/main.js");

const kongLlm = (...args: string[]) => run(process.execPath, [main(), ...args], { cwd: folder });

/** Runs the demo while something is done with it; what it says of where it measures is given too. */
async function withDemo(
  args: string[],
  environment: NodeJS.ProcessEnv,
  work: (url: string, health: string) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const demo = spawn(process.execPath, [main(), "demo", "--port", `${port}`, ...args], {
    cwd: folder,
    env: { ...process.env, ...environment },
  });
  const ended = once(demo, "exit");
  try {
    const greets = new Promise<string>((resolve) => {
      let said = "";
      demo.stdout.on("data", (text) => {
        said += text;
        if (said.includes("Ctrl-C")) resolve(said);
      });
    });
    const greeting = await Promise.race([greets, ended]);
    const [, health] = /metrics +(\S+)\/metrics/.exec(`${greeting}`)!;
    await work(`http://127.0.0.1:${port}`, health!);
  } finally {
    demo.kill("SIGTERM");
    await ended;
  }
}

async function askModel(url: string, key: string): Promise<string> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content: "Hello" }] }),
  });
  return answer.text();
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "kong-llm-package-"));
  const pack = ["pack", "--ignore-scripts", "--pack-destination", folder];
  await run("npm", pack, { cwd: root });
  const unpacked = join(folder, "node_modules/kong-llm");
  mkdirSync(unpacked, { recursive: true });
  const tarball = join(folder, `kong-llm-${version}.tgz`);
  await run("tar", ["-xzf", tarball, "-C", unpacked, "--strip-components=1"]);
  const list = ["ls", "--omit=dev", "--all", "--parseable"];
  const { stdout } = await run("npm", list, { cwd: root });
  const modules = join(root, "node_modules");
  for (const path of stdout.split("\n").filter((one) => one.startsWith(`${modules}/`))) {
    const name = path.slice(modules.length + 1);
    // What is nested in another package comes with it.
    if (name.includes("node_modules/")) continue;
    const place = join(folder, "node_modules", name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(path, place);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the package", () => {
  it("holds what is used, and no tests, sources or fixtures", () => {
    const unpacked = join(folder, "node_modules/kong-llm");
    const files = readdirSync(unpacked, { recursive: true }).map(String);
    const strange = files.filter((file) => /\.test\.|\.fixture\.|(?<!\.d)\.ts$/.test(file));
    expect(strange).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        ...["LICENSE", "README.md", "README.ko.md", "kong.yaml", "schemas/kong.schema.json"],
        ...["docker-compose.yml", "helm-values/dbless.yaml", "kubernetes/base/plugins.yaml"],
        ...["examples/budgets/kong.yaml", "dist/lua/driver.lua", "dist/kong/define-plugin.d.ts"],
      ]),
    );
    const { scripts } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
    expect(Object.keys(scripts).filter((name) => name.includes("install"))).toEqual([]);
  });

  it("says its version, and what Kong needs", async () => {
    expect((await kongLlm("--version")).stdout.trim()).toBe(version);
    await kongLlm("install", "--dir", join(folder, "files"));
    expect(readdirSync(join(folder, "files")).sort()).toEqual(["dumps", "kong", "kong_llm"]);
    const own = join(folder, "node_modules/kong-llm/kong.yaml");
    expect((await kongLlm("validate", own)).stderr).toContain("0 errors, 0 warnings");
  });

  it("makes a key", async () => {
    const { stdout, stderr } = await kongLlm("keys", "create", "--consumer", "team-search");
    expect(stdout).toContain("DECK_TEAM_SEARCH_API_KEY");
    expect(stderr).toMatch(/^kllm_[0-9A-Za-z]{38}$/m);
  });

  it("runs the demo, which answers", () =>
    withDemo([], {}, async (url) => {
      expect(await askModel(url, "demo-key")).toContain("gpt-4.1 heard: Hello");
    }));

  it("writes a gateway that is right, answers to the key that it got, and guards", async () => {
    const gateway = join(folder, "gateway");
    const flags = ["--platform", "compose", "--upstream", "stand-in", "--consumer", "team-search"];
    const { stderr } = await kongLlm("init", "--dir", gateway, ...flags);
    const key = stderr.trim().split("\n").at(-1)!;
    const kongYaml = join(gateway, "kong.yaml");
    expect((await kongLlm("validate", "--strict", gateway)).stderr).toContain(
      "0 errors, 0 warnings",
    );
    await withDemo([kongYaml], { DECK_TEAM_SEARCH_API_KEY: key }, async (url, health) => {
      expect(await askModel(url, key)).toContain("gpt-4.1 heard: Hello");
      const flags = ["--url", url, "--key", key, "--health-url", health, "--format", "json"];
      const { stdout } = await kongLlm("doctor", ...flags);
      const verdicts: { result: string; question: string }[] = JSON.parse(stdout);
      expect(verdicts.filter(({ result }) => result === "ok").length).toBeGreaterThan(5);
      expect(verdicts.filter(({ result }) => result === "wrong")).toEqual([]);
    });
  });

  it("serves the stand-in model alone", async () => {
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const server = spawn(process.execPath, [main(), "stand-in", "--address", address]);
    const ended = once(server, "exit");
    try {
      await once(server.stdout, "data");
      const answer = await fetch(`http://${address}/v1/models`, {
        headers: { authorization: "Bearer a-key" },
      });
      expect(answer.status).toBe(200);
    } finally {
      server.kill("SIGTERM");
      await ended;
    }
  });
});
