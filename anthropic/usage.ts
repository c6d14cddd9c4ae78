// How many tokens a message says that it took, as JSON or as a stream, whole or only its end, in the
// normal form of models/usage.ts. Anthropic states input_tokens without what the prompt cache was read
// for and written with; the normal form, OpenAI and OpenTelemetry count all of it:
//
//   normal form           Anthropic                                   OpenAI            gen_ai.usage.*
//   input_tokens          input_tokens + cache_read_input_tokens      prompt_tokens     input_tokens
//                         + cache_creation_input_tokens
//   cached_input_tokens   cache_read_input_tokens                     cached_tokens     cache_read.input_tokens
//   cache_write_tokens    cache_creation.ephemeral_5m_input_tokens    (none)            cache_creation.input_tokens
//   + ..._1h_tokens       cache_creation.ephemeral_1h_input_tokens
//   output_tokens         output_tokens                               completion_tokens output_tokens
//   reasoning_tokens      output_tokens_details.thinking_tokens       reasoning_tokens  reasoning.output_tokens
//   web_searches          server_tool_use.web_search_requests         (none)            (none)

import { type Attempt, noUsage, type Usage } from "../models/usage";
import { eventsFromEnd, jsonObjectIn } from "./stream";

/**
 * The usage that an answer states, undefined when it states no output: a stream that was cut before
 * its message_delta. Where the beginning of a stream is missing and its end does not repeat the input,
 * the input is not known: it is 0 then, and `estimated` is true, so that whoever knows the request
 * fills it in. Counting tokens is free.
 * @param truncated `body` is only the end of the answer
 */
export function usageOf(
  endpoint: string,
  contentType: string,
  body: Buffer,
  truncated: boolean,
): Usage | undefined {
  if (endpoint === "messages/count_tokens") return noUsage;
  if (isEventStream(contentType)) return usageOfStream(body);
  if (!isJson(contentType)) return undefined;
  const text = body.toString("utf8");
  if (truncated) return usageFrom(lastUsageIn(text));
  const { usage, stop_reason, content } = jsonObjectIn(text) ?? {};
  const blocks = Array.isArray(content) ? content : [];
  const isSilent = blocks.every((block) => block?.type === "fallback");
  return billed(usageFrom(membersIn(usage)), isSilent && stop_reason === "refusal");
}

/**
 * A model that declines before its first word is free, whatever its answer states.
 * https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
 */
function billed(usage: Usage | undefined, isDeclined: boolean): Usage | undefined {
  return isDeclined && usage?.output_tokens === 0 ? noUsage : usage;
}

export function isEventStream(contentType: string): boolean {
  return /^\s*text\/event-stream\b/i.test(contentType);
}

export function isJson(contentType: string): boolean {
  return /^\s*application\/(?:[\w.-]+\+)?json\b/i.test(contentType);
}

type Members = Readonly<Record<string, unknown>>;

// Both ends of a stream that say what it took are far shorter than this.
const endBytes = 16 * 1024;

// Numbers of a later event are those of all before it, and what it leaves out, sets to null or, where it
// is input, to zero stays as it was: message_start alone tells the tier, and the two ages of the cache
// apart, and some relays end a stream with zeros for all that its start has counted.
function usageOfStream(body: Buffer): Usage | undefined {
  let stated: Members | undefined;
  let stopReason: unknown;
  for (const { type, data } of eventsFromEnd(body.subarray(-endBytes))) {
    // The deltas of a message stand behind all of its content.
    if (type.startsWith("content_block")) break;
    if (type !== "message_delta") continue;
    const { usage, delta } = jsonObjectIn(data) ?? {};
    stated = after(membersIn(usage), stated);
    stopReason ??= membersIn(delta)?.stop_reason;
  }
  if (stated === undefined || !Object.hasOwn(stated, "output_tokens")) return undefined;
  const isDeclined = stopReason === "refusal" && !body.includes('"content_block_delta"');
  return billed(usageFrom(after(startUsageOf(body), stated)), isDeclined);
}

function after(before: Members | undefined, later: Members = {}): Members {
  const said = Object.entries(later).filter(
    ([name, value]) => name === "output_tokens" || !isZero(value),
  );
  return { ...later, ...before, ...Object.fromEntries(said) };
}

function isZero(value: unknown): boolean {
  const members = typeof value === "object" ? Object.values(value ?? {}) : [value];
  return members.every((one) => one === 0);
}

/** What the first event of a stream states, which is the input; undefined where it is missing. */
export function startUsageOf(body: Buffer): Members | undefined {
  const head = body.toString("utf8", 0, endBytes);
  // In a text the quotes are escaped and so are the ends of lines: no answer can forge this.
  const data = /^data:([^\n]*"message_start"[^\n]*)/m.exec(head)?.[1];
  const event = data === undefined ? undefined : jsonObjectIn(data);
  if (event?.type !== "message_start") return undefined;
  return membersIn(membersIn(event.message)?.usage);
}

/** The members of an object that are not null; undefined for what is none. */
function membersIn(value: unknown): Members | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

const member = '"usage"';
// All that stands behind the usage of a message, and the usage itself, is far shorter than this.
const mostTries = 8;

// What begins with a member of the message and runs to the end of the text is a whole object only if
// that member is the message's own: the input of a tool that the model calls may have a usage too.
function lastUsageIn(text: string): Members | undefined {
  let at = text.lastIndexOf(member);
  for (let tries = 0; at >= 0 && tries < mostTries; tries++) {
    const usage = membersIn(jsonObjectIn(`{${text.slice(at)}`)?.usage);
    if (usage) return usage;
    at = at === 0 ? -1 : text.lastIndexOf(member, at - 1);
  }
  return undefined;
}

/** The normal form of what was stated. */
export function usageFrom(stated: Members | undefined): Usage | undefined {
  const input = count(stated, "input_tokens");
  if (!stated || (input === undefined && count(stated, "output_tokens") === undefined)) {
    return undefined;
  }
  const own = partsOf(stated);
  const attempts = attemptsIn(own, stated.iterations);
  const isApart = attempts.length > 1 || attempts[0]?.model !== undefined;
  const took = attempts.reduce<Parts>(sum, partsOf(undefined));
  // What the message thought is in no attempt.
  took.reasoning_tokens = own.reasoning_tokens;
  if (input === undefined) for (const part of inputParts) took[part] = 0;
  const tier = tierIn(stated);
  return {
    ...noUsage,
    ...took,
    web_searches: count(stated.server_tool_use, "web_search_requests") ?? 0,
    ...(typeof tier === "string" ? { service_tier: tier } : {}),
    ...(input !== undefined && isApart ? { attempts } : {}),
    estimated: input === undefined,
  };
}

// Its fast mode and inference in the United States alone have prices of their own, as a tier has.
// https://platform.claude.com/docs/en/build-with-claude/data-residency
function tierIn({ speed, inference_geo, service_tier }: Members = {}): unknown {
  if (speed === "fast") return speed;
  const isUsual = service_tier === undefined || service_tier === "standard";
  return inference_geo === "us" && isUsual ? inference_geo : service_tier;
}

// What a message states is what it took itself. Its iterations tell what is billed beside that: the summary
// of a conversation that grew too long and what an advisor (another model) was asked; and where a model
// served in place of one that declined, each attempt, of which those are billed that said anything.
// https://platform.claude.com/docs/en/build-with-claude/compaction, .../refusals-and-fallback
function attemptsIn(own: Parts, iterations: unknown): (Parts & Attempt)[] {
  if (!Array.isArray(iterations)) return [own];
  const those = (...types: string[]) =>
    iterations.filter((one) => types.includes(one?.type)).map(attemptOf);
  if (those("fallback_message").length === 0) {
    return [own, ...those("compaction", "advisor_message")];
  }
  const all = those("message", "fallback_message", "compaction", "advisor_message");
  return all.filter(({ output_tokens }) => output_tokens > 0);
}

function attemptOf(iteration: { model?: unknown }): Parts & Attempt {
  const { model } = iteration;
  return { ...partsOf(iteration), ...(typeof model === "string" && { model }) };
}

const inputParts = [
  "input_tokens",
  "cached_input_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
] as const;
const parts = [...inputParts, "output_tokens", "reasoning_tokens"] as const;
type Parts = Record<(typeof parts)[number], number>;

function partsOf(stated: unknown): Parts {
  const read = count(stated, "cache_read_input_tokens") ?? 0;
  const ages = membersIn(stated)?.cache_creation;
  const hour = count(ages, "ephemeral_1h_input_tokens") ?? 0;
  const minutes = count(ages, "ephemeral_5m_input_tokens") ?? 0;
  // Where a later event states only their sum, what is new is of the default age.
  const written = Math.max(count(stated, "cache_creation_input_tokens") ?? 0, minutes + hour);
  return {
    input_tokens: (count(stated, "input_tokens") ?? 0) + read + written,
    cached_input_tokens: read,
    cache_write_tokens: written - hour,
    cache_write_1h_tokens: hour,
    output_tokens: count(stated, "output_tokens") ?? 0,
    reasoning_tokens: count(membersIn(stated)?.output_tokens_details, "thinking_tokens") ?? 0,
  };
}

function sum(one: Parts, other: Parts): Parts {
  for (const part of parts) one[part] += other[part];
  return one;
}

function count(value: unknown, name: string): number | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const found = (value as Record<string, unknown>)[name];
  return Number.isSafeInteger(found) && (found as number) >= 0 ? (found as number) : undefined;
}
