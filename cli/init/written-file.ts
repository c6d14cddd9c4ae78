// What `kong-llm init` writes: all of its files, or none where one of them is there already.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface WrittenFile {
  path: string;
  text: string;
  /** It holds secrets: readable to its owner alone. */
  secret?: boolean;
  /** Left as it is where it is there, whatever else is wanted. */
  unlessThere?: boolean;
}

/** One step of what is to be done next; the last one asks the gateway. */
export interface Step {
  why: string;
  command: string;
}

/** What one platform needs. */
export interface Plan {
  files: WrittenFile[];
  steps: Step[];
}

/** @throws Error that names what would be written over */
export function writeAll(directory: string, files: WrittenFile[], force: boolean): void {
  const wanted = files.filter(
    ({ path, unlessThere }) => !(unlessThere && existsSync(join(directory, path))),
  );
  const taken = wanted.filter(({ path }) => existsSync(join(directory, path)));
  if (taken.length > 0 && !force) {
    const names = taken.map(({ path }) => join(directory, path)).join(", ");
    throw new Error(`already there: ${names}; give another --dir, or --force to write over them`);
  }
  for (const { path, text, secret } of wanted) {
    const place = join(directory, path);
    mkdirSync(dirname(place), { recursive: true });
    const mode = secret ? 0o600 : 0o644;
    // A mode is only given to a file that is new.
    if (existsSync(place)) chmodSync(place, mode);
    writeFileSync(place, text, { mode, flag: force ? "w" : "wx" });
  }
}
