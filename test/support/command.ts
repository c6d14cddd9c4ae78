// The command line as operators run it: a process of its own, from the sources.

import { execFile } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "../..");

export interface CommandEnd {
  /** Exit code. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Arguments of node that run `kong-llm` with these. */
export function kongLlm(...args: string[]): string[] {
  return ["--import", "tsx", join(root, "cli/main.ts"), ...args];
}

/** Runs it to its end, in the root of the repository, with nothing else in its environment. */
export function runKongLlm(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CommandEnd> {
  return new Promise((resolve) => {
    execFile(process.execPath, kongLlm(...args), { cwd: root, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}
