// io.open for libraries.lua, for reading: fengari has none. Files are read as nginx' Lua reads them,
// without waiting for anybody.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Failure, Handle, LuaError, type LuaValue } from "../lua-value";
import type { HostFunction } from "./run";

class OpenFile extends Handle {
  private fd: number | undefined;

  constructor(path: string) {
    super();
    this.fd = openSync(path, "r");
  }

  /** @param what a number of bytes, or "*a" for what is left; undefined at the end */
  read(what: LuaValue): string | undefined {
    const fd = this.opened();
    if (what !== "*a" && typeof what !== "number") throw new LuaError("bad argument to 'read'");
    const size = what === "*a" ? fstatSync(fd).size : what;
    const bytes = Buffer.alloc(size);
    const length = readSync(fd, bytes, 0, size, null);
    if (length === 0 && what !== "*a" && size > 0) return undefined;
    return bytes.toString("latin1", 0, length);
  }

  close(): true {
    closeSync(this.opened());
    this.fd = undefined;
    return true;
  }

  private opened(): number {
    if (this.fd === undefined) throw new LuaError("attempt to use a closed file");
    return this.fd;
  }
}

export function fileFunctions(): Record<string, HostFunction> {
  return {
    file_open(path, mode) {
      if (mode !== undefined && !/^rb?$/.test(String(mode))) {
        throw new LuaError("the stand-in for Kong opens files for reading only");
      }
      try {
        return new OpenFile(String(path));
      } catch (error) {
        return new Failure(`${String(path)}: ${(error as Error).message}`);
      }
    },
    file_read: (file, what) => openFile(file).read(what),
    file_close: (file) => openFile(file).close(),
  };
}

function openFile(value: LuaValue): OpenFile {
  if (value instanceof OpenFile) return value;
  throw new LuaError("not a file");
}
