// Writes the answers of the hot path by hand: what is the same in each is encoded once, and there is
// room in front for the head, which only the question knows.

import { encode } from "./frames";

// 0x94 0x01 (an array of four, an answer), 0xce and the id as uint32, 0xc0 (no error)
const headBytes = 8;

/** An encoded result with room for the head of its answer before it. */
export class Result {
  constructor(readonly bytes: Buffer) {}
}

const eventIdKey = Buffer.concat([encode("EventId"), Buffer.from([0xce])]);
const returned = Buffer.concat([Buffer.from([0x82]), encode("Data"), encode("ret")]);
const noArguments = encode([]);

/** What is the same in every call of one PDK method: {Data: {Method: name, Args: ... */
export function callHead(method: string): Buffer {
  return Buffer.concat([
    ...[Buffer.from([0x82]), encode("Data"), Buffer.from([0x82])],
    ...[encode("Method"), encode(method), encode("Args")],
  ]);
}

/**
 * {Data: {Method, Args}, EventId}: Kong shall make this call. Throws a TypeError for arguments that
 * are not plain data.
 */
export function callResult(head: Buffer, args: unknown[], eventId: number): Result {
  return eventResult(head, args.length > 0 ? encode(args) : noArguments, eventId);
}

/** {Data: "ret", EventId}: the phase is over. */
export function returnResult(eventId: number): Result {
  return eventResult(returned, nothing, eventId);
}

/** Any other result. */
export function result(value: unknown): Result {
  return new Result(Buffer.concat([Buffer.alloc(headBytes), encode(value)]));
}

/** The whole answer [1, id, nil, result]. The result's bytes become part of it. */
export function answerTo(id: number, { bytes }: Result): Buffer {
  if (!isUint32(id)) return Buffer.concat([idHead(id), nil, bytes.subarray(headBytes)]);
  bytes[0] = 0x94;
  bytes[1] = 0x01;
  bytes[2] = 0xce;
  bytes.writeUInt32BE(id, 3);
  bytes[7] = 0xc0;
  return bytes;
}

/** [1, id, error, nil]. */
export function errorTo(id: number, text: string): Buffer {
  return Buffer.concat([idHead(id), encode(text), nil]);
}

const nothing = Buffer.alloc(0);
const nil = encode(null);

function eventResult(head: Buffer, args: Buffer, eventId: number): Result {
  const argsAt = headBytes + head.length;
  const idKeyAt = argsAt + args.length;
  const idAt = idKeyAt + eventIdKey.length;
  const bytes = Buffer.allocUnsafe(idAt + 4);
  bytes.set(head, headBytes);
  bytes.set(args, argsAt);
  bytes.set(eventIdKey, idKeyAt);
  bytes.writeUInt32BE(eventId, idAt);
  return new Result(bytes);
}

function idHead(id: number): Buffer {
  return Buffer.concat([Buffer.from([0x94, 0x01]), encode(id)]);
}

// Kong counts its questions up, four in a request: after days they need more than 32 bits.
function isUint32(id: number): boolean {
  return id >>> 0 === id;
}
