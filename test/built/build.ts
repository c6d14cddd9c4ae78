// Builds before the tests of the build: they read what is shipped, and what is there may be older.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(__dirname, "../..");

/** @throws Error with what the compiler says, where it does not build */
export async function setup(): Promise<void> {
  await run("npm", ["run", "build"], { cwd: root }).catch(
    ({ stdout, stderr }: { stdout: string; stderr: string }) => {
      throw new Error(`npm run build fails:\n${stdout}${stderr}`);
    },
  );
}
