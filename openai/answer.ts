// Whether an answer with a good status is one: some upstreams and proxies send their failures with
// 200, in shapes of their own.

import type { AnswerFinding } from "../models/answer-finding";
import { bodyFormOf } from "./answer-form";
import { rowOf } from "./endpoint";
import { spokenIn } from "./estimate";
import { isFilled } from "./filled";
import {
  endsItself,
  errorEventIn,
  jsonObjectIn,
  lastEvent,
  saysError,
  streamEvents,
} from "./stream";
import { member } from "./usage-statement";

/**
 * What an answer is that came with a status of success.
 * @param truncated `body` is only its end
 */
export function findingOf(
  endpoint: string,
  contentType: string,
  body: Buffer,
  truncated: boolean,
): AnswerFinding {
  const { result } = rowOf(endpoint) ?? {};
  if (!result) return { state: "whole" };
  if (body.length === 0 && !truncated) return { state: "empty" };
  const form = bodyFormOf(contentType, body);
  if (form === "stream") return ofStream(body, truncated, result);
  if (truncated) return { state: "whole" };
  if (form === "json") return ofJson(body.toString("utf8").replace(/^\uFEFF/, ""), result);
  // Sound, a transcript as text; a page of a proxy in the place of what was asked for.
  const isPage = /^\s*text\/html\b/i.test(contentType);
  if (!isPage && (result.includes("text") || result.length === 0)) return said(body.length > 0);
  return { state: body.length > 0 ? "error" : "empty" };
}

const statusesBeforeEnd = [
  ...["queued", "in_progress", "pending", "processing", "starting", "running"],
  ...["submitted", "accepted", "scheduled", "waiting"],
];

/**
 * An answer before its work is done: what it may still take stays reserved. By its status, or with
 * nothing but the id under which it can be had (xAI's deferred completions).
 */
export function answersLater(body: Readonly<Record<string, unknown>> | undefined): boolean {
  if (!body) return false;
  const isTicket = typeof body.request_id === "string" && Object.keys(body).length === 1;
  return isTicket || statusesBeforeEnd.includes(`${body.status}`.toLowerCase());
}

/** The same of a stream that ended before its work: a background response goes on without it. */
function streamsLater(body: Buffer): boolean {
  return body.includes("response.queued") || /"background"\s*:\s*true/.test(head(body));
}

function head(body: Buffer): string {
  return body.toString("latin1", 0, 16_384);
}

function tail(body: Buffer): string {
  return body.toString("latin1", Math.max(0, body.length - 4096));
}

/** A page, or a proxy's sentence: it has no field of an event. White space keeps a connection alive. */
function isNoStream(text: string): boolean {
  return /\S/.test(text) && !/^(?:data|event|id|retry)?:/m.test(text.replace(/^\xef\xbb\xbf/, ""));
}

// Why a choice ended, where it broke off: OpenRouter, Zhipu, DeepSeek, SGLang and vLLM, others.
const failures =
  /^(?:error|\w+_error|insufficient_system_resource|abort(?:ed)?|timeout|overloaded|failed|cancelled)$/i;
const failure = /"finish_reason"\s*:\s*"(\w+)"/g;

function ofStream(body: Buffer, truncated: boolean, result: readonly string[]): AnswerFinding {
  const failed = errorEventIn(body);
  if (failed) return error(jsonObjectIn(failed.data));
  if (!truncated && result.length > 0 && isNoStream(body.toString("latin1", 0, 256)))
    return { state: "error" };
  const end = tail(body);
  if ([...end.matchAll(failure)].some(([, reason]) => failures.test(reason!))) return error({});
  // Some vendors leave out [DONE]: a choice that says why it ends has ended. Of a last event that is
  // longer than what was kept nothing can be told: a picture, a response that repeats its tools.
  const isFinished = finished.test(end);
  const isEnded = endsItself(body) || isFinished || (truncated && lastEvent(body) === undefined);
  if (!isEnded && !truncated && streamsLater(body)) return { state: "later" };
  const isSpoken = truncated || saysSomething(body);
  if (isSpoken) return isEnded ? whole(!isFinished && isUnfinished(body)) : { state: "cut" };
  // Nothing but an error of no known event: read as one answer would be.
  for (const { data } of streamEvents(body)) {
    const event = jsonObjectIn(data);
    if (event && !event.choices && !("type" in event) && errorIn(event, result)) {
      return error(event);
    }
  }
  return isEnded ? empty(reasonsIn(end)) : { state: "cut" };
}

const finished = /"finish_reason"\s*:\s*"/;
const unfinished = /"finish_reason"\s*:\s*null/;

function isUnfinished(body: Buffer): boolean {
  const text = body.toString("latin1");
  return unfinished.test(text) && !finished.test(text);
}

function whole(isUnfinished: boolean): AnswerFinding {
  return isUnfinished ? { state: "whole", isUnfinished } : { state: "whole" };
}

// The first events tell: only a stream that says nothing is read to its end.
function saysSomething(body: Buffer): boolean {
  const end = body.includes("\n") ? "\n" : "\r";
  let lines = 0;
  for (let at = 0; at < body.length; lines++) {
    if (lines === firstLines && hasSpokenMark(body)) return true;
    const found = body.indexOf(end, at);
    const line = body.toString("utf8", at, found < 0 ? body.length : found);
    if (line.startsWith("data:") && speaks(line.slice(5))) return true;
    at = found < 0 ? body.length : found + 1;
  }
  if (lines <= firstLines && hasSpokenMark(body)) return true;
  // An event may have several lines.
  return streamEvents(body).some(({ data }) => speaks(data));
}

function speaks(data: string): boolean {
  const event = jsonObjectIn(data);
  return event !== undefined && (spokenIn(event) > 0 || wholeTypes.includes(event.type as string));
}

// What they hold was said; a silent recording has no text.
const wholeTypes = ["response.completed", "transcription.done"];

const firstLines = 10;
const spokenMarks = [
  ...["tool_calls", "function_call", '"audio"', "output_item", '"b64_json"', ".partial_image"],
  // A silent recording has no text.
  "transcript.text.done",
];

function hasSpokenMark(body: Buffer): boolean {
  return spokenMarks.some((mark) => body.includes(mark));
}

function ofJson(text: string, result: readonly string[]): AnswerFinding {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    if (/^\s*[{[]/.test(text)) return { state: "cut" };
    // A sound that is said to be JSON; a page that is.
    return result.length === 0 ? said(true) : { state: "error" };
  }
  if (Array.isArray(value)) {
    // Google's way to say an error.
    const failed = value.find((one) => member(one, "error"));
    return failed ? error(failed) : said(value.length > 0);
  }
  if (typeof value !== "object" || value === null) return { state: "error" };
  const answer = value as Record<string, unknown>;
  if (answersLater(answer)) return { state: "later" };
  if (errorIn(answer, result)) return error(answer);
  const found = result.map((name) => answer[name]).find((one) => (one ?? undefined) !== undefined);
  // A silent recording has an empty text.
  if (typeof found === "string") return { state: "whole" };
  if (!Array.isArray(found)) return said(result.length === 0);
  if (found.some(isFilled))
    return whole(found.some((one) => member(one, "finish_reason") === null));
  const ended = found.map((choice) => member(choice, "finish_reason"));
  return empty([...ended, member(answer.incomplete_details, "reason")]);
}

// A filter, or a bound that the client set: a model that says nothing then is well.
const asked =
  /^(?:content_?filter|length|max_(?:output_|completion_)?tokens|sensitive|safety|recitation|blocklist|prohibited)/i;
const reason = /"(?:finish_|stop_)?reason"\s*:\s*"([^"\\]{1,100})"/g;

/** Why the choices of a stream ended. */
function reasonsIn(end: string): string[] {
  return [...end.matchAll(reason)].map(([, name]) => name!);
}

function empty(reasons: readonly unknown[]): AnswerFinding {
  const isClientsMistake = reasons.some((one) => typeof one === "string" && asked.test(one));
  return { state: "empty", ...(isClientsMistake && { isClientsMistake }) };
}

/** By which member an object says that it is an error: each vendor and proxy has a shape. */
function errorIn(answer: Record<string, unknown>, result: readonly string[]): boolean {
  if (saysError(answer.error) || answer.object === "error" || answer.type === "error") return true;
  if (answer.success === false || ["error", "failed", "cancelled"].includes(`${answer.status}`)) {
    return true;
  }
  // MiniMax says by a number in base_resp whether all went well.
  if ((member(answer.base_resp, "status_code") ?? 0) !== 0) return true;
  const choices = Array.isArray(answer.choices) ? answer.choices : [];
  if (
    choices.some(
      (one) => failures.test(`${member(one, "finish_reason")}`) || saysError(member(one, "error")),
    )
  ) {
    return true;
  }
  return !result.some((name) => name in answer) && result.length > 0;
}

function said(isSomething: boolean): AnswerFinding {
  return { state: isSomething ? "whole" : "empty" };
}

// What a request can be wrong in, as far as vendors say it in a code; 408 and 429 are not.
const clientsCodes =
  /invalid_request|context_length|content_(?:policy|filter)|not_found|unsupported/;
const serversStatuses = [401, 402, 403, 408, 409, 425, 429];

function error(answer: Record<string, unknown> | undefined): AnswerFinding {
  const inner = answer?.error ?? member(answer?.response, "error") ?? answer;
  const told = [member(inner, "code"), member(inner, "status"), member(inner, "type")];
  const statuses = told.map(Number).filter((status) => status >= 400 && status <= 599);
  const [status] = statuses;
  const isClientsMistake =
    status !== undefined
      ? status < 500 && !serversStatuses.includes(status)
      : told.some((one) => typeof one === "string" && clientsCodes.test(one));
  return { state: "error", isClientsMistake };
}
