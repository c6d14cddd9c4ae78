// Expands what came compressed (RFC 9110, section 8.4), within a bound: the request of a client, and
// the answer of an upstream that compresses although it was asked not to.

import * as zlib from "node:zlib";

/** Why a body cannot be read: a coding that we do not know, too long when expanded, or damaged. */
type CodingProblem = "unknown" | "too_large" | "damaged";

type Expand = (body: Buffer, mostBytes: number, whole: boolean) => Buffer;

// Node has it from 22.15 on; the types are those of the oldest Node that we run on.
const { zstdDecompressSync } = zlib as unknown as {
  zstdDecompressSync?: (body: Buffer, options: zlib.ZlibOptions) => Buffer;
};

const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH } = zlib.constants;

// Of a body that was cut, what is there can be had with a flush at its end.
function limits(maxOutputLength: number, whole: boolean, finishFlush: number) {
  return whole ? { maxOutputLength } : { maxOutputLength, finishFlush };
}

const expands = new Map<string, Expand>([
  ["gzip", (body, most, whole) => zlib.gunzipSync(body, limits(most, whole, Z_SYNC_FLUSH))],
  ["deflate", inflate],
  [
    "br",
    (body, most, whole) =>
      zlib.brotliDecompressSync(body, limits(most, whole, BROTLI_OPERATION_FLUSH)),
  ],
]);
if (zstdDecompressSync) {
  expands.set("zstd", (body, maxOutputLength) => zstdDecompressSync(body, { maxOutputLength }));
}

// Some senders leave out zlib's frame, against RFC 9110, section 8.4.1.2.
function inflate(body: Buffer, most: number, whole: boolean): Buffer {
  const options = limits(most, whole, Z_SYNC_FLUSH);
  return isZlib(body) ? zlib.inflateSync(body, options) : zlib.inflateRawSync(body, options);
}

/** As an Accept-Encoding header tells them. */
export const codings: readonly string[] = [...expands.keys()];

// Nobody needs more than one; each of them multiplies what a small body can become.
const mostCodings = 2;

/**
 * @param contentEncoding the value of the header; none, or identity: the body as it is
 * @param mostBytes of the expanded body
 */
export function expand(
  body: Buffer,
  contentEncoding: string | undefined,
  mostBytes: number,
  whole = true,
): Buffer | CodingProblem {
  const named = (contentEncoding ?? "").split(",").map((one) => one.trim().toLowerCase());
  const applied = named.filter((one) => one !== "" && one !== "identity").reverse();
  if (applied.length > mostCodings) return "unknown";
  let expanded = body;
  for (const coding of applied) {
    const next = expands.get(coding.replace(/^x-/, ""));
    if (!next) return "unknown";
    try {
      expanded = next(expanded, mostBytes, whole);
    } catch (error) {
      const { code } = error as { code?: string };
      return code === "ERR_BUFFER_TOO_LARGE" ? "too_large" : "damaged";
    }
  }
  return expanded.byteLength > mostBytes ? "too_large" : expanded;
}

/**
 * The text of an answer, by the coding that it names, or that its first bytes tell: brotli, which has
 * no mark, is told by being no text. Undefined where it cannot be read, as when its beginning is not
 * there.
 * @param mostBytes what is longer when expanded is not read
 */
export function readable(
  body: Buffer,
  mostBytes: number,
  contentEncoding = "",
): Buffer | undefined {
  const told = /^\s*(?:identity)?\s*$/i.test(contentEncoding) ? undefined : contentEncoding;
  const coding = body.length === 0 ? undefined : (told ?? codingOf(body));
  if (coding === undefined) return body;
  const expanded = expand(body, coding, mostBytes, false);
  return typeof expanded === "string" ? undefined : expanded;
}

function codingOf(body: Buffer): string | undefined {
  if (body.length < 4) return undefined;
  const [first, second] = body;
  if (first === 0x1f && second === 0x8b) return "gzip";
  if (body.readUInt32BE(0) === 0x28b52ffd) return "zstd";
  // The usual window: other first bytes of zlib are letters of a text too.
  if (first === 0x78 && isZlib(body)) return "deflate";
  // Text has no control characters but white space.
  const isText = body.subarray(0, 64).every((byte) => byte >= 0x20 || (byte >= 9 && byte <= 13));
  return isText ? undefined : "br";
}

/** RFC 1950, section 2.2: method 8, and a check over both bytes. */
function isZlib(body: Buffer): boolean {
  return body.length > 1 && (body[0]! & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}
