// Kong's side for a bench, in a process of its own and as cheap as can be: frames are made once, and
// of an answer only the event's id is looked for, which is copied as it stands.

import { connect } from "node:net";
import { decode, encode, FrameSplitter } from "../server/frames";

export interface Load {
  socket: string;
  plugin: string;
  /** Its config as JSON text; default: none. */
  config?: string;
  connections: number;
  /** What Kong answers to the PDK calls of one event, in order; bytes cross as bytes. */
  results: (string | number | object | null | { bytes: number })[];
  /** Stop after so many events, or after so many milliseconds. */
  events?: number;
  milliseconds?: number;
}

export interface Loaded {
  events: number;
  messages: number;
  seconds: number;
  /** Share of one core that this generator used. */
  busy: number;
}

process.on("message", (load: Load) => {
  run(load).then(
    (loaded) => process.send?.(loaded),
    (error: Error) => process.send?.({ error: error.message }),
  );
});

async function run(load: Load): Promise<Loaded> {
  const instance = await startInstance(load);
  const handle = encode([
    ...[0, 1, "plugin.HandleEvent"],
    [{ InstanceId: instance, EventName: "access" }],
  ]);
  const steps = load.results.map(stepPrefix);
  const started = performance.now();
  const cpu = process.cpuUsage();
  const state = { left: load.events ?? Infinity, events: 0, until: Infinity };
  if (load.milliseconds !== undefined) state.until = started + load.milliseconds;
  await Promise.all(
    Array.from({ length: load.connections }, () => drive(load.socket, handle, steps, state)),
  );
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return {
    events: state.events,
    messages: state.events * (steps.length + 1),
    seconds,
    busy: (user + system) / 1e6 / seconds,
  };
}

/** A Step without its event's id, which is the last thing in it. */
function stepPrefix(result: Load["results"][number]): Buffer {
  const bytes = (result as { bytes?: number } | null)?.bytes;
  const data = bytes === undefined ? result : Buffer.alloc(bytes, "body ");
  const whole = encode([0, 1, "plugin.Step", [{ Data: data, EventId: 0 }]]);
  return whole.subarray(0, -1);
}

function drive(
  path: string,
  handle: Buffer,
  prefixes: Buffer[],
  state: { left: number; events: number; until: number },
): Promise<void> {
  return new Promise((done, failed) => {
    // Each step with room for the longest id behind it.
    const steps = prefixes.map((prefix) => Buffer.concat([prefix, Buffer.alloc(9)]));
    const received = Buffer.allocUnsafe(256 * 1024);
    const socket = connect({ path, onread: { buffer: received, callback: take } });
    socket.on("error", failed);
    socket.on("connect", next);
    let at = 0;
    let tail: Buffer = none;

    function next(): void {
      if (state.left <= 0 || performance.now() >= state.until) {
        socket.destroy();
        done();
      } else {
        state.left--;
        at = 0;
        socket.write(handle);
      }
    }

    function take(length: number): boolean {
      const chunk = received.subarray(0, length);
      const bytes = tail.length > 0 ? Buffer.concat([tail, chunk]) : chunk;
      const idBytes = idAtEnd(bytes);
      tail = idBytes > 0 ? none : Buffer.from(bytes.subarray(-longestEnd));
      if (idBytes > 0) answered(bytes, idBytes);
      return true;
    }

    function answered(bytes: Buffer, idBytes: number): void {
      const step = steps[at];
      if (step) {
        const { length } = prefixes[at++]!;
        bytes.copy(step, length, bytes.length - idBytes);
        socket.write(step.length === length + idBytes ? step : step.subarray(0, length + idBytes));
      } else {
        state.events++;
        next();
      }
    }
  });
}

const none = Buffer.alloc(0);
const idKey = Buffer.from("EventId");
const longestEnd = idKey.length + 9;

/** How long the id is that ends a complete answer (both servers write it last); 0: not complete. */
function idAtEnd(bytes: Buffer): number {
  for (const length of [5, 1, 2, 3, 9]) {
    const start = bytes.length - length;
    const key = start - idKey.length;
    if (key < 0 || integerBytes(bytes[start]!) !== length) continue;
    if (bytes[key] === 0x45 && bytes.compare(idKey, 0, idKey.length, key, start) === 0)
      return length;
  }
  return 0;
}

function integerBytes(tag: number): number {
  if (tag < 0x80) return 1;
  return tag >= 0xcc && tag <= 0xcf ? 1 + (1 << (tag - 0xcc)) : 9;
}

function startInstance({ socket: path, plugin, config = "{}" }: Load): Promise<number> {
  return new Promise((started, failed) => {
    const socket = connect(path);
    const splitter = new FrameSplitter();
    socket.on("error", failed);
    socket.on("data", (chunk: Buffer) => {
      splitter.push(chunk, (message) => {
        const [, , error, result] = decode(message) as [1, 1, string | null, { Id: number }];
        socket.destroy();
        if (error === null) started(result.Id);
        else failed(new Error(error));
      });
    });
    socket.write(encode([0, 1, "plugin.StartInstance", [{ Name: plugin, Config: config }]]));
  });
}
