// The Python SDKs, where a python3 on PATH has them: tests say clearly that they were skipped elsewhere.

import { execFile, execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { promisify } from "node:util";

// Not from the repository: Python would take our folder anthropic/ for the package.
const cwd = tmpdir();

/** Whether there is a python3 that has this package. */
export function pythonHas(name: string): boolean {
  try {
    execFileSync("python3", ["-c", `import ${name}; ${name}.__version__`], {
      cwd,
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

/** Runs a script to its end. @returns what it prints, as JSON */
export async function python(script: string, env: Record<string, string>): Promise<unknown> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: 100_000 };
  const { stdout } = await promisify(execFile)("python3", ["-c", script], options);
  return JSON.parse(stdout);
}
