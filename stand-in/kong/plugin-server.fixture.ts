// A plugin server that says what a test tells it to say, over the real socket.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTable, type LuaTable, type LuaValue } from "./lua-value";
import { type Packable, pack, unpack } from "./message-pack";
import type { PluginDump } from "./plugin-configs";

export interface Message {
  method: string;
  argument: LuaTable;
}

/** The result, or an Error for an error; undefined ends the connection without an answer. */
export type Script = (message: Message, messages: Message[]) => Packable | Error | undefined;

export interface ScriptedServer {
  path: string;
  messages: Message[];
  connections: number;
  stop(): Promise<void>;
}

/** An event that asks for these PDK calls, one after the other, and then says "ret". */
export function calling(...calls: [method: string, ...args: Packable[]][]): Script {
  return ({ method }, messages) => {
    if (method === "plugin.StartInstance") return { Id: 7 };
    const steps = messages.filter((one) => !one.method.endsWith("StartInstance")).length;
    const call = calls[steps - 1];
    const Data = call ? { Method: call[0], Args: call.slice(1) } : "ret";
    return { EventId: 3, Data };
  };
}

export async function scriptedServer(script: Script): Promise<ScriptedServer> {
  const directory = mkdtempSync(join(tmpdir(), "scripted-"));
  const path = join(directory, "s");
  const sockets = new Set<Socket>();
  const scripted: ScriptedServer = { path, messages: [], connections: 0, stop };
  const server = createServer((socket) => {
    scripted.connections++;
    sockets.add(socket);
    let held = Buffer.alloc(0);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      held = Buffer.concat([held, chunk]);
      const read = unpack(held);
      if (!read || !Array.isArray(read.value)) return;
      held = held.subarray(read.end);
      const [, id, method, args] = read.value;
      const message = { method: String(method), argument: argumentOf(args) };
      scripted.messages.push(message);
      const result = script(message, scripted.messages);
      if (result === undefined) socket.destroy();
      else if (result instanceof Error) socket.write(pack([1, id, result.message, undefined]));
      else socket.write(pack([1, id, undefined, result]));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });

  function stop(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    rmSync(directory, { recursive: true, force: true });
    return new Promise((resolve) => {
      server.close(() => resolve());
    });
  }
  return scripted;
}

/** What a server dumps for a plugin without options. */
export function dumpOf(name: string, phases = ["access"]): PluginDump {
  const config = { type: "record", fields: [{ text: { type: "string" } }] };
  return {
    Name: name,
    Version: "1",
    Priority: 900,
    Phases: phases,
    Schema: { name, fields: [{ config }] },
  };
}

function argumentOf(args: LuaValue): LuaTable {
  const [first] = Array.isArray(args) ? args : [];
  return isTable(first) ? first : {};
}
