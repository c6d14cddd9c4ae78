// Where `require` finds files: KONG_LUA_PACKAGE_PATH, a directory or Lua's own form DIR/?.lua;;.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LuaError } from "../lua-value";
import { checkDialect } from "./dialect";

export class LuaModules {
  private readonly templates: string[];

  constructor(packagePath = "") {
    this.templates = packagePath
      .split(";")
      .filter((template) => template !== "")
      .map((template) => (template.includes("?") ? template : join(template, "?.lua")));
  }

  /** True when there is a file for a module's name. */
  has(name: string): boolean {
    return this.read(name) !== undefined;
  }

  /**
   * The source of a module, and the name under which Lua shows it; undefined where there is none.
   * @throws LuaError for operators that Kong's LuaJIT cannot parse
   */
  find(name: string): { file: string; source: string } | undefined {
    const found = this.read(name);
    if (!found) return undefined;
    try {
      checkDialect(found.source);
    } catch (error) {
      throw new LuaError(`${found.file}: ${(error as Error).message}`);
    }
    return found;
  }

  private read(name: string): { file: string; source: string } | undefined {
    for (const template of this.templates) {
      const file = template.replaceAll("?", name.replaceAll(".", "/"));
      try {
        return { file, source: readFileSync(file, "latin1") };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    return undefined;
  }
}
