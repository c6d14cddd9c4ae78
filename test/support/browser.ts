// A real Chromium for the pages that we serve: the one that CHROMIUM names, or that is on PATH.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Its path; undefined where there is none. */
export const chromiumPath = [
  process.env.CHROMIUM ?? "",
  ...(process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((directory) => names.map((name) => join(directory, name))),
].find((path) => path !== "" && isProgram(path));

/** Ends the title of a test that needs it, so that who reads "skipped" knows what to do. */
export const needsChromium = chromiumPath
  ? ""
  : " (skipped: there is no Chromium; apt-get install chromium, or name one in CHROMIUM)";
