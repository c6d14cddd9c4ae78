// Lua files for tests, in a directory that a stand-in takes as its lua_package_path.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface LuaFiles {
  directory: string;
  remove(): void;
}

/** @param files source by path below the directory */
export function luaFiles(files: Record<string, string>): LuaFiles {
  const directory = mkdtempSync(join(tmpdir(), "lua-files-"));
  for (const [path, source] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, source);
  }
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

interface Given {
  priority?: number;
  /** The Lua of the schema's config fields. */
  fields?: string;
  /** The Lua of the schema's entity checks. */
  checks?: string;
}

/** Handler and schema of a plugin; the handler's source adds functions to `plugin`. */
export function luaPlugin(
  name: string,
  handler: string,
  { priority = 900, fields = "", checks = "" }: Given = {},
): Record<string, string> {
  const folder = `kong/plugins/${name}`;
  return {
    [`${folder}/handler.lua`]: `local plugin = { PRIORITY = ${priority}, VERSION = "1.0.0" }
      ${handler}
      return plugin`,
    [`${folder}/schema.lua`]: `return {
      name = "${name}",
      fields = {
        { protocols = require("kong.db.schema.typedefs").protocols_http },
        { config = { type = "record", fields = { ${fields} } } },
      },
      entity_checks = { ${checks} },
    }`,
  };
}
