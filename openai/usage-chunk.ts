// The last chunk of a stream that nobody but the gateway has asked for (stream_options.include_usage):
// its choices are empty, and loops that read choices[0] break on it. It is read, and does not go on.

import type { RequestBody } from "./request-body";
import { jsonObjectIn, streamEvents } from "./stream";

/**
 * Asks for the usage at the end of a stream, unless the client does.
 * @returns true where nobody but us has asked: the client does not expect that chunk
 */
export function askForUsage(endpoint: string, body: Pick<RequestBody, "get" | "set">): boolean {
  if (endpoint !== "chat/completions" && endpoint !== "completions") return false;
  const given = body.get("stream_options") ?? {};
  // What is no object the upstream shall refuse, as it would without us.
  if (typeof given !== "object" || Array.isArray(given)) return false;
  const { include_usage: asked = null } = given as { include_usage?: unknown };
  if (asked !== null && asked !== false) return false;
  body.set("stream_options", { ...given, include_usage: true });
  return true;
}

/** Whether an event's data is that chunk: a usage, and no choices, as [], null or not at all. */
export function isUsageChunk(data: string): boolean {
  // Cheap for all the others: a chunk that has text has no usage, or one that is null.
  if (!/"usage"\s*:\s*\{/.test(data)) return false;
  const chunk = jsonObjectIn(data);
  if (!chunk?.usage || (chunk.error ?? null) !== null) return false;
  const { choices = null } = chunk;
  return choices === null || (Array.isArray(choices) && choices.length === 0);
}

/** A kept stream without that chunk, every other byte as it came. */
export function withoutUsageChunk(body: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = eventEnd(body, at);
    const event = body.subarray(at, end);
    // Where no empty line sets events apart, this one has them all.
    const [first, ...more] = streamEvents(event);
    if (!first || more.length > 0 || !isUsageChunk(first.data)) kept.push(event);
    at = end;
  }
  return Buffer.concat(kept);
}

/** The offset behind the blank line that ends the event at this place. */
function eventEnd(body: Buffer, start: number): number {
  const ends = ["\n\n", "\r\n\r\n", "\r\r"].flatMap((blank) => {
    const found = body.indexOf(blank, start);
    return found < 0 ? [] : [found + blank.length];
  });
  return Math.min(body.length, ...ends);
}
