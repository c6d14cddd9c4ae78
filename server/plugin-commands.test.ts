import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultPlugins } from "./command-schema";
import { addPluginCommands } from "./plugin-commands";

describe("server", () => {
  describe("the command line", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "commands-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    function plugin(name: string, file: string, source: string): void {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, file), source);
    }

    it("has the commands of our plugins", async () => {
      const program = new Command();
      await addPluginCommands(program, defaultPlugins, "cache");
      expect(program.commands.map((command) => command.name())).toContain("cache");
    });

    it("asks only plugins that bring one", async () => {
      plugin("a", "index.js", "throw new Error('a plugin is not started for its commands')");
      plugin("b", "command.js", "exports.addCommand = (program) => program.command('tidy');");
      const program = new Command();
      await addPluginCommands(program, folder, undefined);
      expect(program.commands.map((command) => command.name())).toEqual(["tidy"]);
    });

    it("asks none where a command of its own is asked for", async () => {
      plugin("a", "command.js", "throw new Error('not needed')");
      const program = new Command();
      program.command("serve");
      await addPluginCommands(program, folder, "serve");
      expect(program.commands).toHaveLength(1);
    });
  });
});
