// Writes the answers of the hot path by hand: what is the same in each is encoded once and stands in
// front of the rest, with room for what only the event and the question know.

import { encode, encodeBehind } from "./message-pack";

// 0x94 0x01 (an array of four, an answer), 0xce and the id as uint32, 0xc0 (no error)
const headBytes = 8;

/** An encoded result with room for the head of its answer before it. */
export class Result {
  constructor(readonly bytes: Buffer) {}
}

// {EventId: room for a uint32, Data: ...
const eventHead = Buffer.concat([
  ...[Buffer.alloc(headBytes), Buffer.from([0x82]), encode("EventId")],
  ...[Buffer.from([0xce, 0, 0, 0, 0]), encode("Data")],
]);
const eventIdAt = headBytes + 1 + encode("EventId").length + 1;
const returned = Buffer.concat([eventHead, encode("ret")]);

/** What is the same in every call of one PDK method: {EventId, Data: {Method: name, Args: ... */
export function callHead(method: string): Buffer {
  return Buffer.concat([
    ...[eventHead, Buffer.from([0x82])],
    ...[encode("Method"), encode(method), encode("Args")],
  ]);
}

/**
 * {EventId, Data: {Method, Args}}: Kong shall make this call. Throws a TypeError for arguments that
 * are not plain data.
 */
export function callResult(head: Buffer, args: unknown[], eventId: number): Result {
  return eventResult(encodeBehind(head, args), eventId);
}

/** {EventId, Data: "ret"}: the phase is over. */
export function returnResult(eventId: number): Result {
  return eventResult(Buffer.from(returned), eventId);
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
  writeUint32(bytes, id, 3);
  bytes[7] = 0xc0;
  return bytes;
}

/** [1, id, error, nil]. */
export function errorTo(id: number, text: string): Buffer {
  return Buffer.concat([idHead(id), encode(text), nil]);
}

const nil = encode(null);

function eventResult(bytes: Buffer, eventId: number): Result {
  writeUint32(bytes, eventId, eventIdAt);
  return new Result(bytes);
}

// What Buffer.writeUInt32BE does, without its checks.
function writeUint32(bytes: Buffer, value: number, at: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function idHead(id: number): Buffer {
  return Buffer.concat([Buffer.from([0x94, 0x01]), encode(id)]);
}

// Kong counts its questions up, four in a request: after days they need more than 32 bits.
function isUint32(id: number): boolean {
  return id >>> 0 === id;
}
