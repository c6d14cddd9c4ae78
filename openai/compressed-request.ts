// A request whose body came compressed: Codex sends zstd, others gzip. It is read within the bound
// that holds for a body, or refused with words that name its coding.

import { codings, expand } from "./content-coding";
import type { ApiError } from "./error";

export interface Unreadable {
  status: 400 | 413 | 415;
  error: ApiError;
  headers: Record<string, string>;
}

/**
 * The body as the client meant it.
 * @param contentEncoding the value of its Content-Encoding; upstream the body goes without it
 * @param mostBytes of the expanded body, in bytes
 */
export function readCompressed(
  body: Buffer,
  contentEncoding: string | undefined,
  mostBytes: number,
): Buffer | Unreadable {
  const expanded = expand(body, contentEncoding, mostBytes);
  if (typeof expanded !== "string") return expanded;
  const named = JSON.stringify((contentEncoding ?? "").slice(0, 100));
  switch (expanded) {
    case "too_large":
      return unreadable(413, "request_too_large", {
        message: `The request body has more than ${mostBytes} bytes when it is expanded; send a shorter one.`,
      });
    case "damaged":
      return unreadable(400, null, {
        message: `The request body is not what its Content-Encoding ${named} says: compress it so, or leave the header out.`,
      });
    default:
      // RFC 9110, section 15.5.16: it tells what would have been read.
      return unreadable(415, "unsupported_content_encoding", {
        message: `The Content-Encoding ${named} is not read here: send the body as ${codings.join(", ")}, or uncompressed.`,
        headers: { "Accept-Encoding": codings.join(", ") },
      });
  }
}

function unreadable(
  status: Unreadable["status"],
  code: string | null,
  { message, headers = {} }: { message: string; headers?: Record<string, string> },
): Unreadable {
  return { status, error: { message, type: "invalid_request_error", code }, headers };
}
