// A Lua script as a function: read from its file once, made a command of each client once, sent
// whole the first time on a connection and by its digest after that (ioredis' defineCommand).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { RedisClient } from "./connection";

export type Script = (
  client: RedisClient,
  keys: readonly string[],
  args: readonly ScriptArgument[],
) => Promise<unknown>;

type ScriptArgument = string | number | Buffer;
type ScriptCommand = (keyCount: number, ...keysAndArgs: ScriptArgument[]) => Promise<unknown>;

/**
 * @param file absolute path of the .lua file
 * @param texts `text` where its reply holds text in UTF-8, `bytes` where any bytes: then each text
 *   in the reply is a Buffer
 * @returns a function that runs it in one round trip and gives the reply as Redis sent it: its
 *   only caller knows what each position means
 */
export function loadScript(file: string, texts: "text" | "bytes" = "text"): Script {
  const lua = readFileSync(file, "utf8");
  const name = `kongLlm_${createHash("sha1").update(lua).digest("hex")}`;
  return (client, keys, args) => {
    if (!(name in client)) client.defineCommand(name, { lua });
    // ioredis defines each command twice.
    const defined = texts === "bytes" ? `${name}Buffer` : name;
    const command = (client as unknown as Record<string, ScriptCommand>)[defined]!;
    return command.call(client, keys.length, ...keys, ...args);
  };
}
