// Sends Kong's side of every recording (a real Kong 3.9.3) to our plugin server, byte for byte and
// over as many connections, with a plugin that makes the recorded PDK calls.
//
// Three answers differ from kong-pdk's on purpose: StartInstance does not give the config back (it
// holds resolved vault references), StartTime is ours, and a plugin that throws in access refuses the
// request where kong-pdk lets it through.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { converse } from "../server/connection";
import { Events } from "../server/events";
import { defaultLimits, FrameSplitter } from "../server/frames";
import { Instances } from "../server/instances";
import { decode } from "../server/message-pack";
import type { LoadedPlugin } from "../server/plugins";
import { serve } from "../server/rpc";
import { sharingOneBuffer } from "../server/shared-reading";
import { type ListeningSocket, listenOn } from "../server/socket";
import { log } from "../stages/log";
import { KongSide } from "./support/kong-side";

interface Line {
  connection: number;
  from: "kong" | "server";
  bytes: Buffer;
}

interface PdkCall {
  Method: string;
  Args: unknown[];
}

type Answer = { EventId: number; Data: "ret" | PdkCall };
type ServerMessage = [1, number, string | null, Answer];
type KongMessage = [0, number, string, [{ EventId?: number; Data?: unknown }]];

const directory = join(__dirname, "fixtures/kong-3.9.3-rpc");
const recordings = readdirSync(directory).filter((file) => file.endsWith(".jsonl"));

function read(file: string): Line[] {
  const lines = readFileSync(join(directory, file), "utf8").trim().split("\n");
  return lines.map((line) => {
    const { connection, from, bytes } = JSON.parse(line);
    return { connection, from, bytes: Buffer.from(bytes, "base64") };
  });
}

function messagesIn<Message>(splitter: FrameSplitter, bytes: Buffer): Message[] {
  const messages: Message[] = [];
  splitter.push(bytes, (...message) => messages.push(decode(...message) as Message));
  return messages;
}

function messagesFrom<Message>(from: Line["from"], lines: Line[]): Message[] {
  const splitters = new Map<number, FrameSplitter>();
  return lines
    .filter((line) => line.from === from)
    .flatMap(({ connection, bytes }) => {
      const splitter = splitters.get(connection) ?? new FrameSplitter();
      splitters.set(connection, splitter);
      return messagesIn<Message>(splitter, bytes);
    });
}

/** The recorded PDK calls and Kong's answers to them, by event. */
function scriptsOf(lines: Line[]): Map<number, { calls: PdkCall[]; results: unknown[] }> {
  const scripts = new Map<number, { calls: PdkCall[]; results: unknown[] }>();
  for (const [, , , result] of messagesFrom<ServerMessage>("server", lines)) {
    if (result?.EventId === undefined) continue;
    const script = scripts.get(result.EventId) ?? { calls: [], results: [] };
    scripts.set(result.EventId, script);
    if (result.Data !== "ret") script.calls.push(result.Data);
  }
  for (const [, , method, [argument]] of messagesFrom<KongMessage>("kong", lines)) {
    if (method.startsWith("plugin.Step")) {
      scripts.get(argument.EventId!)!.results.push(argument.Data ?? undefined);
    }
  }
  return scripts;
}

describe.each([
  ["one buffer of all connections", sharingOneBuffer],
  ["buffers of Node's own", undefined],
])("a recording of Kong 3.9.3, read into %s", (_, prepare) => {
  let folder: string;
  let socket: ListeningSocket | undefined;
  let events: Events;
  const connections = new Map<number, KongSide>();

  beforeAll(() => {
    log.level = "silent";
  });
  afterAll(() => {
    log.level = "info";
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "recordings-"));
    connections.clear();
  });
  afterEach(async () => {
    for (const kong of connections.values()) kong.close();
    events.stop();
    await socket?.close();
    rmSync(folder, { recursive: true });
  });

  async function listen(plugin: LoadedPlugin, firstEvent: number): Promise<Instances> {
    const instances = new Instances(
      new Map(["rec", "llm-gateway"].map((name) => [name, { ...plugin, name }])),
      { firstId: 0 },
    );
    events = new Events({ firstId: firstEvent });
    socket = await listenOn(
      { path: join(folder, "kong.sock"), mode: 0o600 },
      (connection) =>
        converse(connection, defaultLimits, (rpc, question) =>
          serve({ instances, events }, rpc, question),
        ),
      prepare,
    );
    return instances;
  }

  async function connectionFor(number: number): Promise<KongSide> {
    const known = connections.get(number) ?? (await KongSide.to(socket!.path));
    connections.set(number, known);
    return known;
  }

  /** Sends Kong's lines; a line that completes a message waits for its answer. */
  async function replay(lines: Line[]): Promise<Map<number, unknown[]>> {
    const answers = new Map<number, unknown[]>();
    const splitters = new Map<number, FrameSplitter>();
    for (const { connection, bytes } of lines.filter(({ from }) => from === "kong")) {
      const splitter = splitters.get(connection) ?? new FrameSplitter();
      splitters.set(connection, splitter);
      const ids = messagesIn<KongMessage>(splitter, bytes).map(([, id]) => id);
      const kong = await connectionFor(connection);
      if (ids.length === 0) kong.socket.write(bytes);
      else {
        const { error, result } = await kong.send(bytes, ids[0]!);
        answers.set(ids[0]!, [1, ids[0], error ?? null, result]);
      }
    }
    return answers;
  }

  it.each(recordings)("%s is answered as kong-pdk did", async (file) => {
    const lines = read(file);
    const throws = file.startsWith("plugin-throws");
    const scripts = [...scriptsOf(lines)].sort(([one], [other]) => one - other);
    const heard: unknown[][] = [];
    let started = 0;

    class Scripted {
      async access(kong: object): Promise<void> {
        await this.run(kong);
        if (throws) throw new Error("as the recorded plugin did");
      }
      log(kong: object): Promise<void> {
        return this.run(kong);
      }
      async run(kong: object): Promise<void> {
        const index = started++;
        heard[index] = [];
        for (const { Method, Args } of scripts[index]![1].calls) {
          const names = Method.split(".").slice(1);
          const call = names.reduce<Record<string, never>>((at, name) => at[name]!, kong as never);
          const result = await (call as unknown as (...args: unknown[]) => Promise<unknown>)(
            ...Args,
          );
          if (!Method.startsWith("kong.response.exit")) heard[index].push(result);
        }
      }
    }
    const plugin = { version: "1", priority: 1, phases: [], schema: [], Plugin: Scripted };
    const instances = await listen(plugin as unknown as LoadedPlugin, scripts[0]![0]);
    const starts = messagesFrom<KongMessage>("kong", lines)[0]![2] === "plugin.StartInstance";
    if (!starts) instances.start("rec", "{}");

    const answers = await replay(lines);

    const recorded = messagesFrom<ServerMessage>("server", lines);
    const expected = recorded.map((message) => {
      const [, id, , result] = message;
      if (!("EventId" in result)) {
        const name = starts && file.startsWith("gateway") ? "llm-gateway" : "rec";
        return [1, id, null, { Name: name, Id: 0, Config: {}, StartTime: expect.any(Number) }];
      }
      const first = result.EventId === scripts[0]![0];
      if (throws && first && result.Data === "ret") {
        const exit = {
          Method: "kong.response.exit",
          Args: [500, expect.any(String), expect.anything()],
        };
        return [1, id, null, { EventId: result.EventId, Data: exit }];
      }
      return message;
    });
    expect([...answers.values()].sort(byId)).toEqual(expected.sort(byId));
    expect(heard).toEqual(scripts.map(([, { results }]) => results));
    expect(events.size).toBe(0);
  });
});

function byId(one: unknown, other: unknown): number {
  return (one as number[])[1]! - (other as number[])[1]!;
}
