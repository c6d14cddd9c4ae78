// Loaded into a child process before its own code: ends it when its parent is gone, whichever way
// the parent ended, and removes the directory that the parent made for it. The parent holds the other
// end of the child's standard input.

import { rmSync } from "node:fs";

process.stdin.on("end", () => {
  const directory = process.env.KONG_LLM_CHILD_DIRECTORY;
  if (directory) process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  process.kill(process.pid, "SIGTERM");
});
process.stdin.resume();
