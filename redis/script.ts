// A Lua script as a function: read from its file once, made a command of each client once, sent
// whole the first time on a connection and by its digest after that (ioredis' defineCommand).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisClient } from "./connection";

export type Script = (
  client: RedisClient,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

type ScriptCommand = (keyCount: number, ...keysAndArgs: (string | number)[]) => Promise<unknown>;

/**
 * @param file absolute path of the .lua file
 * @returns a function that runs it in one round trip and gives the reply as Redis sent it: its
 *   only caller knows what each position means
 */
export function loadScript(file: string): Script {
  const lua = readFileSync(file, "utf8");
  const name = `kongLlm_${createHash("sha1").update(lua).digest("hex")}`;
  return (client, keys, args) => {
    if (!(name in client)) client.defineCommand(name, { lua });
    const command = (client as unknown as Record<string, ScriptCommand>)[name]!;
    return command.call(client, keys.length, ...keys, ...args);
  };
}
