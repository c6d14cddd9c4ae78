// The files that commands are given: their text, and what is said of one that cannot be read or written.

import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";

/** The text of a file, or of standard input for `-`. @throws Error */
export function textIn(file: string): string {
  const bytes = bytesIn(file);
  // Kong, decK and Kubernetes read UTF-8 alone.
  if (!isUtf8(bytes)) throw new Error(`${file} is not in UTF-8: save it so`);
  return bytes.toString().replace(/^\uFEFF/, "");
}

function bytesIn(file: string): Buffer {
  try {
    return readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    // Of a folder Node says neither its name nor that it is one.
    throw Object.assign(error as NodeJS.ErrnoException, { path: file });
  }
}

const faults: Record<string, string> = {
  ENOENT: "is not there",
  EEXIST: "is there already, and is no folder",
  EISDIR: "is a folder, where a file is meant",
  ENOTDIR: "is a file, where a folder is meant",
  EACCES: "may not be read or written by this user",
  EPERM: "may not be read or written by this user",
  EROFS: "is on a disk that nothing can be written to",
  ENOSPC: "has no room left on its disk",
};

/** An error for whoever runs a command: of a file in words, of all else as it is. */
export function told({ code, path, message }: NodeJS.ErrnoException): string {
  const fault = faults[code ?? ""];
  return fault === undefined || path === undefined ? message : `${path} ${fault}`;
}
