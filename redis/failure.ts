// What an error of a command says: that the Redis cannot serve now, or that the command is a mistake of
// ours; and what of it may be told.

import { Misconfigured } from "./client";

/** No answer came in the time that there is for it. */
export class TimedOut extends Error {}

// Replies to a command that is wrong or too large, or to a script that fails. By all others a Redis, or the
// proxy or the provider's quota before it, says that it cannot serve anybody now, whatever is asked.
const ours =
  /^(?:WRONGTYPE|CROSSSLOT|NOSCRIPT|EXECABORT) |^ERR (?:.*\b(?:script|user_script|size)\b|unknown command|unknown subcommand|wrong number|syntax|value is|invalid|index|no such key)/is;
// Whose script fails for this serves nobody either: before Redis 7 the code stands behind the place.
const unable = new Set(["MISCONF", "NOPERM", "NOREPLICAS", "OOM", "READONLY"]);

// The errors of ioredis and of sockets; a TypeError in a command is a mistake of ours.
const lost = new Set(["Error", "AbortError", "MaxRetriesPerRequestError", "ClusterAllFailedError"]);

/** Undefined for an error that is not the Redis' but ours. */
export function whyUnavailable(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const itsOwn =
    error.name === "ReplyError"
      ? unable.has(codeOf(error.message)) || !ours.test(error.message)
      : lost.has(error.name);
  return itsOwn ? describe(error) : undefined;
}

/**
 * For logs. Redis may repeat arguments in a message (the password of HELLO, the key of a command), so only
 * its code is kept, and of a network error its code.
 */
export function describe(error: unknown): string {
  if (error instanceof TimedOut || error instanceof Misconfigured) return error.message;
  if (!(error instanceof Error)) return "unknown error";
  if (error.message.startsWith("All sentinels")) return "no Sentinel tells where it is";
  if (error.name === "ReplyError") return `Redis answers ${codeOf(error.message)}`;
  const { code } = error as NodeJS.ErrnoException;
  return code ? `the connection fails with ${code}` : "the connection was closed";
}

/** ioredis hangs the command with its arguments on the error, which a log would write out. */
export function withoutCommand(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`Redis refuses a command: ${message.replace(/, with args beginning.*/s, "")}`);
}

/** The code of a reply. What a script met has its own behind the place before Redis 7; 7.0 has none for NOPERM. */
function codeOf(message: string): string {
  if (message.startsWith("ERR The user executing the script can't ")) return "NOPERM";
  const inScript = /^ERR Error running script \(call to \w+\): [^-]*-([A-Z]+) /.exec(message);
  return inScript?.[1] ?? message.split(" ", 1)[0]!;
}
