// How many tokens an answer says that it took, from every endpoint whose request names a model, as
// JSON or as a stream, whole or only its end.

import { noUsage, type Usage } from "../models/usage";
import { type Endpoint, namesModel } from "./endpoint";
import { jsonObjectIn, streamEvents } from "./stream";

/**
 * The usage that an answer states, undefined when it states none.
 * @param truncated `body` is only the end of the answer; usage stands there in every API we know
 */
export function usageOf(
  endpoint: Endpoint,
  contentType: string,
  body: Buffer,
  truncated: boolean,
): Usage | undefined {
  if (!namesModel(endpoint)) return undefined;
  const streamed = isEventStream(contentType);
  if (!streamed && !isJson(contentType)) return undefined;
  if (truncated) return lastUsageIn(body.toString("utf8"));
  if (streamed) return usageOfStream(body);
  return usageFrom(memberOf(jsonObjectIn(body.toString("utf8")), "usage"));
}

export function isEventStream(contentType: string): boolean {
  return /^\s*text\/event-stream\b/i.test(contentType);
}

export function isJson(contentType: string): boolean {
  return /^\s*application\/(?:[\w.-]+\+)?json\b/i.test(contentType);
}

// Some upstreams repeat a running usage in every event: the last one is the sum.
function usageOfStream(body: Buffer): Usage | undefined {
  for (const { data } of streamEvents(body).reverse()) {
    if (!data.includes('"usage"')) continue;
    const value = jsonObjectIn(data);
    // responses: {"type":"response.completed","response":{...,"usage":{...}}}
    const usage =
      usageFrom(memberOf(value, "usage")) ??
      usageFrom(memberOf(memberOf(value, "response"), "usage"));
    if (usage) return usage;
  }
  return undefined;
}

const member = '"usage"';
// A usage object is shorter than this even when it is indented, and nests once.
const mostChars = 2048;
const mostBraces = 8;

// In the text of an answer the quotes are escaped, so a prompt cannot forge a usage here.
function lastUsageIn(text: string): Usage | undefined {
  for (let at = text.lastIndexOf(member); at >= 0; ) {
    const value = /^\s*:\s*(?=\{)/.exec(text.slice(at + member.length, at + member.length + 64));
    if (value && text[at - 1] !== "\\") {
      const start = at + member.length + value[0].length;
      const usage = usageFrom(objectAt(text.slice(start, start + mostChars)));
      if (usage) return usage;
    }
    at = at === 0 ? -1 : text.lastIndexOf(member, at - 1);
  }
  return undefined;
}

/** The JSON object that a text begins with: it ends at one of its first closing braces. */
function objectAt(text: string): unknown {
  let end = text.indexOf("}");
  for (let tries = 0; end >= 0 && tries < mostBraces; tries++) {
    try {
      return JSON.parse(text.slice(0, end + 1));
    } catch {
      end = text.indexOf("}", end + 1);
    }
  }
  return undefined;
}

// chat, completions and embeddings say prompt_tokens and completion_tokens, responses says
// input_tokens and output_tokens; DeepSeek has prompt_cache_hit_tokens for the cached part.
function usageFrom(value: unknown): Usage | undefined {
  const input = count(value, "prompt_tokens") ?? count(value, "input_tokens");
  const output = count(value, "completion_tokens") ?? count(value, "output_tokens");
  if (input === undefined && output === undefined) return undefined;
  const inputDetails =
    memberOf(value, "prompt_tokens_details") ?? memberOf(value, "input_tokens_details");
  const outputDetails =
    memberOf(value, "completion_tokens_details") ?? memberOf(value, "output_tokens_details");
  const cached = count(inputDetails, "cached_tokens") ?? count(value, "prompt_cache_hit_tokens");
  return {
    ...noUsage,
    input_tokens: input ?? 0,
    output_tokens: output ?? 0,
    cached_input_tokens: Math.min(cached ?? 0, input ?? 0),
    reasoning_tokens: count(outputDetails, "reasoning_tokens") ?? 0,
  };
}

function count(value: unknown, name: string): number | undefined {
  const found = memberOf(value, name);
  return Number.isSafeInteger(found) && (found as number) >= 0 ? (found as number) : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
