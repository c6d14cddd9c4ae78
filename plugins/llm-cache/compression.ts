// How the body of an entry is made smaller for Redis, and back. What is found in Redis is not
// trusted: it never grows beyond what its head says and an entry may have.

import { promisify } from "node:util";
import {
  brotliCompress,
  brotliDecompress,
  constants,
  deflate,
  gunzip,
  gzip,
  inflate,
} from "node:zlib";

export const encodings = ["gzip", "deflate", "brotli"] as const;

export type Encoding = (typeof encodings)[number];

interface Codec {
  compress(bytes: Buffer, level: number): Promise<Buffer>;
  expand(bytes: Buffer, options: { maxOutputLength: number }): Promise<Buffer>;
}

const brotli = promisify(brotliCompress);

const codecs: Record<Encoding, Codec> = {
  gzip: { compress: withLevel(promisify(gzip)), expand: promisify(gunzip) },
  deflate: { compress: withLevel(promisify(deflate)), expand: promisify(inflate) },
  brotli: {
    compress: (bytes, level) =>
      brotli(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: level,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
        },
      }),
    expand: promisify(brotliDecompress),
  },
};

/** @param level 1 (fastest) to 9 (smallest) */
export function compress(bytes: Buffer, encoding: Encoding, level: number): Promise<Buffer> {
  return codecs[encoding].compress(bytes, level);
}

/** Undefined for bytes that are not of that encoding, or have another length than that. */
export async function expand(
  bytes: Buffer,
  encoding: Encoding,
  length: number,
): Promise<Buffer | undefined> {
  try {
    const expanded = await codecs[encoding].expand(bytes, { maxOutputLength: Math.max(length, 1) });
    return expanded.byteLength === length ? expanded : undefined;
  } catch {
    return undefined;
  }
}

function withLevel(zlib: (bytes: Buffer, options: { level: number }) => Promise<Buffer>) {
  return (bytes: Buffer, level: number) => zlib(bytes, { level });
}
