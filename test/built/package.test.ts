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

const kongLlm = (...args: string[]) =>
  run(process.execPath, [join(folder, "node_modules/kong-llm/dist/cli/main.js"), ...args], {
    cwd: folder,
  });

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
}, 60_000);
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

  it("runs the demo, which answers", async () => {
    const port = await freePort();
    const main = join(folder, "node_modules/kong-llm/dist/cli/main.js");
    const demo = spawn(process.execPath, [main, "demo", "--port", `${port}`], { cwd: folder });
    const ended = once(demo, "exit");
    try {
      const greets = new Promise((resolve) => {
        demo.stdout.on("data", (text) => `${text}`.includes("listening") && resolve(true));
      });
      expect(await Promise.race([greets, ended])).toBe(true);
      const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": "demo-key" },
        body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content: "Hello" }] }),
      });
      expect(await answer.text()).toContain("gpt-4.1 heard: Hello");
    } finally {
      demo.kill("SIGTERM");
      await ended;
    }
  });
});
