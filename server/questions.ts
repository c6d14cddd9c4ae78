// Reads Kong's questions [0, id, "plugin.METHOD", [argument]]. Those of each request, HandleEvent and
// the steps, come alone and in one piece: they are compared with what Kong always writes as it stands,
// and only what a step brings is decoded. All others go the long way, which any of them may go.

import { FrameError } from "./frames";
import { decode, encode, endOfValue } from "./message-pack";

/** One question of Kong's; its answer bears the same id. */
export interface Rpc {
  id: number;
  method: string;
  argument: unknown;
}

/** Methods that bring the result of a PDK call; Kong names them after the type of the result. */
export const stepMethods = [
  ...["Step", "StepMultiMap", "StepCredential", "StepConsumer", "StepRoute", "StepService"],
  "StepMemoryStats",
];

/**
 * The question that the first `length` bytes are, neither more nor less, if it is one of those of each
 * request; undefined for all else. What stands behind them may be anything.
 */
export function readUsual(bytes: Uint8Array, length: number): Rpc | undefined {
  const reader = new Reader(bytes, length);
  const rpc = readUsualFrom(reader);
  return reader.at === length ? rpc : undefined;
}

/** Reads any complete message. Throws a FrameError when it is no question at all. */
export function readAny(bytes: Uint8Array, start: number, end: number): Rpc {
  return rpcOf(decode(bytes, start, end));
}

function rpcOf(message: unknown): Rpc {
  if (!Array.isArray(message) || message[0] !== 0 || typeof message[1] !== "number") {
    throw new FrameError("a message is no request of MessagePack-RPC");
  }
  const method = message[2];
  const args = message[3];
  return {
    id: message[1],
    method: typeof method === "string" ? method : "",
    argument: Array.isArray(args) ? args[0] : undefined,
  };
}

/** Text that Kong writes often, and its bytes. */
interface Known {
  text: string;
  bytes: Uint8Array;
}

const none = Buffer.alloc(0);
const known = (text: string, behind = none): Known => ({
  text,
  bytes: Buffer.concat([encode(text), behind]),
});
const nil = 0xc0;

// An array of four that starts with 0, a question; an array of one that holds a map of two.
const questionHead = Buffer.from([0x94, 0x00]);
const argumentHead = Buffer.from([0x91, 0x82]);
const [eventId, data] = [encode("EventId"), encode("Data")];
const [instanceId, eventName] = [encode("InstanceId"), encode("EventName")];
const handleEvent = "plugin.HandleEvent";
const usualMethods = [...stepMethods.map((name) => `plugin.${name}`), handleEvent].map((method) =>
  known(method, argumentHead),
);
const phases = ["access", "response", "log", "rewrite", "header_filter", "body_filter"].map(
  (name) => known(name),
);

function readUsualFrom(reader: Reader): Rpc | undefined {
  if (!reader.passes(questionHead)) return undefined;
  const id = reader.uint32();
  const method = reader.oneOf(usualMethods);
  if (id < 0 || method === undefined) return undefined;
  if (method === handleEvent) {
    const event = readMembers(reader, instanceId, eventName, () => reader.oneOf(phases));
    return event && { id, method, argument: { InstanceId: event.id, EventName: event.value } };
  }
  const step = readMembers(reader, eventId, data, () => reader.value());
  return step && { id, method, argument: { EventId: step.id, Data: step.value } };
}

/** An id and a value under their keys, whichever comes first. */
function readMembers(
  reader: Reader,
  idKey: Uint8Array,
  valueKey: Uint8Array,
  read: () => unknown,
): { id: number; value: unknown } | undefined {
  const idFirst = reader.passes(idKey);
  let id = idFirst ? reader.uint32() : -1;
  if (!reader.passes(valueKey)) return undefined;
  const value = read();
  if (!idFirst) id = reader.passes(idKey) ? reader.uint32() : -1;
  return id < 0 || value === undefined ? undefined : { id, value };
}

/**
 * Goes through bytes from the first. It may go beyond their end, which is seen when it is done: what
 * it has found is worth something only if it stands where the bytes end.
 */
class Reader {
  at = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly length: number,
  ) {}

  /** Goes past one of these if it comes next. */
  oneOf(texts: Known[]): string | undefined {
    for (const { text, bytes } of texts) if (this.passes(bytes)) return text;
    return undefined;
  }

  /** Goes past these bytes if they come next. */
  passes(known: Uint8Array): boolean {
    for (let i = 0; i < known.length; i++) {
      if (this.bytes[this.at + i] !== known[i]) return false;
    }
    this.at += known.length;
    return true;
  }

  /** An unsigned integer of up to 32 bits; -1 when something else comes next. */
  uint32(): number {
    const tag = this.bytes[this.at++]!;
    if (tag < 0x80) return tag;
    const length = 1 << (tag - 0xcc);
    if (tag < 0xcc || length > 4) return -1;
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + this.bytes[this.at++]!;
    return value;
  }

  /** Decodes the value that comes next; undefined when it is not all there. */
  value(): unknown {
    const from = this.at;
    if (this.bytes[from] === nil) {
      this.at++;
      return null;
    }
    const end = endOfValue(this.bytes, from, this.length);
    if (end < 0) return undefined;
    this.at = end;
    return decode(this.bytes, from, end);
  }
}
