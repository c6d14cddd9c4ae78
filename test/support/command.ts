// The command line as operators run it: a process of its own.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { kongLlm } from "../../dev/plugin-server";

const root = join(__dirname, "../..");

export interface CommandEnd {
  /** Exit code. */
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs it to its end, in the root of the repository, with nothing else in its environment. */
export function runKongLlm(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CommandEnd> {
  return new Promise((resolve) => {
    execFile(process.execPath, kongLlm(args), { cwd: root, env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}
