// Writes an answer to the network in the way its behaviour orders: late, in pieces, held back, cut.

import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { ModelAnswer } from "./answers";
import type { Behaviour } from "./behaviour";
import type { RecordedRequest } from "./recorded-request";

export async function send(
  answer: ModelAnswer,
  status: number,
  request: RecordedRequest,
  response: ServerResponse,
  behaviour: Behaviour,
): Promise<void> {
  const { delayMs, holdHeaders, cutAfterChunks, headers } = behaviour;
  if (delayMs) await sleep(delayMs, undefined, { ref: false });
  await holdHeaders?.opened;
  if (cutAfterChunks === 0) return cut(response);

  if ("chunks" in answer) {
    response.writeHead(status, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-cache",
      ...headers,
    });
    return sendChunks(answer.chunks, request, response, behaviour);
  }
  const isJson = "json" in answer;
  const whole = isJson ? Buffer.from(answer.json) : answer.bytes;
  response.writeHead(status, {
    "Content-Type": isJson ? "application/json" : answer.type,
    "Content-Length": whole.length,
    ...headers,
  });
  if (cutAfterChunks === undefined) return sendChunks([whole], request, response, behaviour);
  await write(response, whole.subarray(0, Math.floor(whole.length / 2)));
  cut(response);
}

async function sendChunks(
  chunks: (string | Buffer)[],
  request: RecordedRequest,
  response: ServerResponse,
  { chunkDelayMs, holdLastChunk, cutAfterChunks, splitUtf8, holdEnd, endDelayMs }: Behaviour,
): Promise<void> {
  for (const [index, chunk] of chunks.entries()) {
    if (index === cutAfterChunks) return cut(response);
    if (chunkDelayMs && index > 0) await sleep(chunkDelayMs, undefined, { ref: false });
    if (index === chunks.length - 1) await holdLastChunk?.opened;
    if (response.destroyed) return;
    await writeChunk(response, Buffer.from(chunk), splitUtf8 ?? false);
    request.countChunk();
  }
  await holdEnd?.opened;
  if (endDelayMs) await sleep(endDelayMs, undefined, { ref: false });
  response.end();
}

async function writeChunk(response: ServerResponse, chunk: Buffer, split: boolean): Promise<void> {
  if (!split) return write(response, chunk);
  const at = insideCharacter(chunk);
  await write(response, chunk.subarray(0, at));
  await nextTurn();
  await write(response, chunk.subarray(at));
}

/** An offset behind the first byte of a character of several bytes, else the middle. */
function insideCharacter(chunk: Buffer): number {
  const lead = chunk.findIndex((byte) => byte >= 0xc0);
  return lead < 0 ? Math.floor(chunk.length / 2) : lead + 1;
}

/** Settles when the network has the bytes, or the client has gone. */
function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || bytes.length === 0) return resolve();
    const done = () => {
      response.off("close", done);
      resolve();
    };
    response.once("close", done);
    response.write(bytes, done);
  });
}

function cut(response: ServerResponse): void {
  response.socket?.destroy();
}
