// What an answer of POST messages with status 200 is: errors and half answers come with 200 too.

import { jsonObjectIn, readStream } from "./stream";
import { isEventStream } from "./usage";

/**
 * "whole": all of it, may be kept and replayed. "paused": all of it, but the upstream goes on with its
 * own tools when the client sends it back, so a replay is of no use. "unfinished": it was cut.
 * "error": an error object, or an error event after the head was sent. "empty": it ended well and
 * nothing was written.
 */
export type AnswerKind = "whole" | "paused" | "unfinished" | "error" | "empty";

/** @param body all of the answer */
export function answerKind(contentType: string, body: Buffer): AnswerKind {
  if (isEventStream(contentType)) {
    const { reportsError, stopped, ...said } = readStream(body);
    if (reportsError) return "error";
    return stopped ? kindOf(said) : "unfinished";
  }
  const answer = jsonObjectIn(body.toString("utf8"));
  if (!answer) return "unfinished";
  const { type, error = null, stop_reason, content, usage } = answer;
  if (type === "error" || error !== null) return "error";
  return kindOf({
    stopReason: typeof stop_reason === "string" ? stop_reason : undefined,
    hasContent: Array.isArray(content) && content.length > 0,
    usage,
  });
}

interface Said {
  stopReason: string | undefined;
  hasContent: boolean;
  usage: unknown;
}

// Without content and none the less what was asked for: max_tokens of 0 warms the upstream's prompt
// cache, and a refusal may come before the first word. After the result of a tool a model may have
// nothing to add, which takes it two or three tokens.
// https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
const mayBeEmpty = new Set(["max_tokens", "refusal"]);

function kindOf({ stopReason, hasContent, usage }: Said): AnswerKind {
  if (stopReason === undefined) return "unfinished";
  if (!hasContent && !mayBeEmpty.has(stopReason) && !hasOutput(usage)) return "empty";
  return stopReason === "pause_turn" ? "paused" : "whole";
}

function hasOutput(usage: unknown): boolean {
  const { output_tokens = 0 } = (usage ?? {}) as { output_tokens?: unknown };
  return typeof output_tokens === "number" && output_tokens > 0;
}
