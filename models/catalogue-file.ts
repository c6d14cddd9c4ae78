// A catalogue of an operator's own, in a file that may change while the plugin server runs.

import { readFileSync, statSync } from "node:fs";
import { type Catalogue, readCatalogue } from "./catalogue";

// How long a change may go unseen; a look at the file is a system call on the way of a request.
const lookAgainMs = 1000;

/**
 * Reads a catalogue again when its file has changed: each call gives the newest that was right, or
 * undefined as long as none was.
 * @param onFault hears once of each state of the file that cannot be read as a catalogue
 * @param now in milliseconds
 */
export function catalogueFile(
  path: string,
  onFault: (message: string) => void,
  now: () => number = Date.now,
): () => Catalogue | undefined {
  let newest: Catalogue | undefined;
  let seen: string | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - lookedAt < lookAgainMs) return newest;
    lookedAt = now();
    const state = stateOf(path);
    if (state === seen) return newest;
    seen = state;
    try {
      newest = readCatalogue(readFileSync(path, "utf8"), path);
    } catch (error) {
      onFault(`${(error as Error).message}; prices stay as they were`);
    }
    return newest;
  };
}

function stateOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.ino} ${found.size} ${found.mtimeMs}` : "absent";
}
