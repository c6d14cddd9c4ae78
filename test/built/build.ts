// Builds before the tests of the build, which read what is shipped, and before those of the whole, whose
// processes then start from it. What is there may be older. So one run at a time in a checkout.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(__dirname, "../..");

/** Once in a run. @throws Error with what the compiler says, where it does not build */
export async function setup(): Promise<void> {
  if (process.env.KONG_LLM_BUILD !== undefined) return;
  await run("npm", ["run", "build"], { cwd: root }).catch(
    ({ stdout, stderr }: { stdout: string; stderr: string }) => {
      throw new Error(`npm run build fails:\n${stdout}${stderr}`);
    },
  );
  process.env.KONG_LLM_BUILD = join(root, "dist");
}
