// What an answer with status 200 is: errors and half answers come with 200 too.

import type { AnswerFinding } from "../models/answer-finding";
import { eventsFromEnd, jsonObjectIn, readStream } from "./stream";
import { isEventStream } from "./usage";

/** @param truncated `body` is only the end of the answer */
export function findingOf(
  endpoint: string,
  contentType: string,
  body: Buffer,
  truncated: boolean,
): AnswerFinding {
  if (body.length === 0 && !truncated) return { state: "empty" };
  if (isEventStream(contentType)) return ofStream(body, truncated);
  if (truncated) return { state: "whole" };
  const text = body.toString("utf8");
  const answer = jsonObjectIn(text);
  // A page of a proxy in the place of JSON.
  if (!answer) return { state: /^\s*\{/.test(text) ? "cut" : "error" };
  const result = endpoint === "messages/count_tokens" ? "input_tokens" : "content";
  if (isError(answer) || !(result in answer)) return errorOf(answer);
  if (result === "input_tokens") return { state: "whole" };
  const { stop_reason, content, usage } = answer;
  return {
    state: stateOf({
      stopReason: typeof stop_reason === "string" ? stop_reason : undefined,
      hasContent: Array.isArray(content) && content.length > 0,
      usage,
    }),
  };
}

/** Vendors that speak this API say by members of their own, too, that all did not go well. */
function isError({ type, error, success, base_resp }: Record<string, unknown>): boolean {
  // Zhipu; MiniMax by a number.
  const { status_code = 0 } = (base_resp ?? {}) as { status_code?: unknown };
  return type === "error" || !!error || success === false || status_code !== 0;
}

function ofStream(body: Buffer, truncated: boolean): AnswerFinding {
  const { reportsError, stopped, hasContent, ...said } = readStream(body);
  if (reportsError) return errorOf(errorEventOf(body));
  // Where the beginning of a stream is missing, what began there is too.
  return { state: stopped ? stateOf({ ...said, hasContent: hasContent || truncated }) : "cut" };
}

function errorEventOf(body: Buffer): Record<string, unknown> {
  for (const { type, data } of eventsFromEnd(body)) {
    if (type === "error") return jsonObjectIn(data) ?? {};
  }
  return {};
}

// https://platform.claude.com/docs/en/api/errors
const clientsTypes = new Set(["invalid_request_error", "not_found_error", "request_too_large"]);

function errorOf({ error }: Record<string, unknown>): AnswerFinding {
  const { type } = (error ?? {}) as { type?: unknown };
  return { state: "error", isClientsMistake: clientsTypes.has(String(type)) };
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

function stateOf({ stopReason, hasContent, usage }: Said): AnswerFinding["state"] {
  if (stopReason === undefined) return "cut";
  if (!hasContent && !mayBeEmpty.has(stopReason) && !hasOutput(usage)) return "empty";
  return stopReason === "pause_turn" ? "paused" : "whole";
}

function hasOutput(usage: unknown): boolean {
  const { output_tokens = 0 } = (usage ?? {}) as { output_tokens?: unknown };
  return typeof output_tokens === "number" && output_tokens > 0;
}
