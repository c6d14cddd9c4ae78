import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dump } from "../kong/dump";
import { delivery } from "../stages/outcome";
import { loadPlugins } from "./plugins";

const working = "exports.Plugin = class { log() {} access() {} };";
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "plugins-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(file: string, text: string): void {
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), text);
}

describe("server", () => {
  describe("a directory of plugins", () => {
    it("loads files and folders, and names them by their file when they give no name", async () => {
      write("first.js", working);
      write("second/index.js", `${working} exports.Name = "Other"; exports.Priority = 5;`);
      write("third.cjs", `${working} exports.Version = "2.0.0";`);
      const plugins = await loadPlugins(directory);
      expect([...plugins.keys()]).toEqual(["first", "other", "third"]);
      expect(plugins.get("other")).toMatchObject({ priority: 5, version: "0.0.0" });
      expect(plugins.get("third")).toMatchObject({ phases: ["access", "log"], version: "2.0.0" });
    });

    it("skips tests, declarations, hidden entries and other files", async () => {
      write("first.js", working);
      for (const file of ["first.test.js", "first.d.ts", ".hidden.js", "notes.md"]) {
        write(file, "this is no plugin");
      }
      write("node_modules/thing/package.json", "{}");
      expect([...(await loadPlugins(directory)).keys()]).toEqual(["first"]);
    });

    it("shares the server's own modules with its plugins", async () => {
      const path = JSON.stringify(join(__dirname, "../stages/outcome"));
      write(
        "shared.ts",
        `import { delivery } from ${path};
         export class Plugin { static delivery: object = delivery; access(): void {} }`,
      );
      const { Plugin } = (await loadPlugins(directory)).get("shared")!;
      expect((Plugin as unknown as { delivery: object }).delivery).toBe(delivery);
    });

    it.each([
      ["no Plugin", "bad.js", "exports.Schema = [];", /bad\.js exports no class Plugin/],
      ["no phase", "bad.js", "exports.Plugin = class {};", /bad\.js has none of/],
      ["an error", "bad/index.js", "throw new Error('no!');", /bad\/index\.js cannot be .*: no!/],
      ["no index", "bad/other.js", working, /bad has no index\.js/],
      ["a taken name", "good.cjs", working, /two plugins are named good/],
    ])(
      "refuses to start with a plugin that has %s, and names it",
      async (_, file, text, message) => {
        write("good.js", working);
        write(file, text);
        await expect(loadPlugins(directory)).rejects.toThrow(message);
      },
    );

    it("refuses a directory without plugins", async () => {
      await expect(loadPlugins(directory)).rejects.toThrow(/no plugin found in/);
      await expect(loadPlugins(join(directory, "not"))).rejects.toThrow(/does not exist/);
    });
  });

  it("describes a plugin to Kong as its query_cmd must", async () => {
    const plugins = await loadPlugins(join(__dirname, "../test/fixtures/plugins"));
    const protocols = ["grpc", "grpcs", "http", "https"];
    expect(dump(plugins.get("probe")!)).toEqual({
      Name: "probe",
      Version: "1.2.3",
      Priority: 7,
      Phases: ["access", "log"],
      Schema: {
        name: "probe",
        fields: [
          {
            protocols: {
              type: "set",
              required: true,
              default: protocols,
              elements: { type: "string", one_of: protocols },
            },
          },
          { config: { type: "record", fields: [{ fail: { type: "string" } }] } },
        ],
      },
    });
  });
});
