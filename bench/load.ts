// Kong's side for a bench, in a process of its own and as cheap as can be: frames are made once, and
// of an answer only the event's id is looked for, which is copied as it stands.

import { connect } from "node:net";
import { FrameSplitter } from "../server/frames";
import { decode, encode } from "../server/message-pack";

export interface Load {
  socket: string;
  plugin: string;
  /** Its config as JSON text; default: none. */
  config?: string;
  connections: number;
  /** What Kong answers to the PDK calls of one event, in order; of a raw body only how long it is. */
  results: (string | number | object | null | { raw_body_bytes: number })[];
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
  const bytes = (result as { raw_body_bytes?: number } | null)?.raw_body_bytes;
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
    const splitter = new FrameSplitter();
    const socket = connect({
      path,
      onread: {
        buffer: received,
        callback(length) {
          splitter.push(received, answered, length);
          return true;
        },
      },
    });
    socket.on("error", failed);
    socket.on("connect", next);
    let at = 0;

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

    function answered(answer: Uint8Array, start: number): void {
      const step = steps[at];
      if (step) {
        const { length } = prefixes[at++]!;
        const id = idIn(answer as Buffer, start);
        const idBytes = integerBytes(answer[id]!);
        step.set(answer.subarray(id, id + idBytes), length);
        socket.write(step.length === length + idBytes ? step : step.subarray(0, length + idBytes));
      } else {
        state.events++;
        next();
      }
    }
  });
}

const idKey = encode("EventId");
// Where our server writes the event's id; kong-js-pluginserver writes it last.
const usualPlace = 9;

/** Where the id of the event stands in an answer that starts here. */
function idIn(answer: Buffer, start: number): number {
  const usual = start + usualPlace;
  const isUsual = answer.compare(idKey, 0, idKey.length, usual, usual + idKey.length) === 0;
  return (isUsual ? usual : answer.indexOf(idKey, start)) + idKey.length;
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
      splitter.push(chunk, (...message) => {
        const [, , error, result] = decode(...message) as [1, 1, string | null, { Id: number }];
        socket.destroy();
        if (error === null) started(result.Id);
        else failed(new Error(error));
      });
    });
    socket.write(encode([0, 1, "plugin.StartInstance", [{ Name: plugin, Config: config }]]));
  });
}
