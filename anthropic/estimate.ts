// Estimates tokens of Anthropic's bodies where nobody has counted them: before a request goes
// upstream, and for an answer that was cut before it stated its usage.

import { textTokens } from "../models/text-tokens";
import { attachmentTokens } from "./attachment";
import { eventsFromEnd, jsonObjectIn } from "./stream";
import { isEventStream, isJson } from "./usage";

type Fields = Readonly<Record<string, unknown>>;

/** The members of a request that become the prompt. */
const promptFields = ["system", "messages", "tools", "output_config"];

// Members that the API reads and the model does not: marks of the prompt cache, and what proves that
// thinking was the model's own.
const unread = new Set(["cache_control", "signature", "tool_use_id"]);

// Tools are told to the model in a system prompt of Anthropic's own, of up to so many tokens.
// https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing
const tokensForTools = 346;

// Several stages ask for the same request, and a prompt may be a megabyte long. A body of which a
// member was set since has other members, so what was said of it then does not count.
const said = new WeakMap<Fields, { prompt: unknown[]; tokens: number }>();

/**
 * Estimates how many input tokens a request body will be counted as.
 * @param fields the members of a body of messages or messages/count_tokens
 * @returns whole tokens, at least 1
 */
export function estimateInputTokens(fields: Fields): number {
  const prompt = promptOf(fields);
  const before = said.get(fields);
  if (before?.prompt.every((member, at) => member === prompt[at])) return before.tokens;
  const tokens = Math.max(1, Math.ceil(likelyTokens(prompt) + toolTokens(fields)));
  said.set(fields, { prompt, tokens });
  return tokens;
}

function promptOf(fields: Fields): unknown[] {
  return promptFields.map((name) => (Object.hasOwn(fields, name) ? fields[name] : undefined));
}

function toolTokens({ tools }: Fields): number {
  return Array.isArray(tools) && tools.length > 0 ? tokensForTools : 0;
}

// Names of members count as the model's words: they are that in the schema and in the input of a tool,
// and elsewhere they are about what the format adds to each message and block.
function likelyTokens(prompt: readonly unknown[]): number {
  let tokens = 0;
  // A list instead of recursion: JSON.parse takes nesting that would overflow the stack.
  const left = [...prompt];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") tokens += textTokens(value);
    else if (typeof value === "number" || typeof value === "boolean") tokens += 1;
    else if (Array.isArray(value)) for (const one of value) left.push(one);
    else if (typeof value === "object" && value !== null) {
      const attached = attachmentTokens(value);
      if (attached) tokens += attached.likely;
      else pushMembers(value, left);
    }
  }
  return tokens;
}

function pushMembers(value: object, left: unknown[]): void {
  for (const [name, member] of Object.entries(value)) {
    if (!unread.has(name)) left.push(name, member);
  }
}

// The format frames each message, block and tool with a few tokens that stand in no text.
const mostTokensPerObject = 8;

/**
 * As many input tokens as a request body can be counted as, where it carries all of its prompt: a
 * token is at least one byte of text. Of pictures and documents it is the most that is likely, and
 * what tools of the upstream (searches, code) will read is the upstream's secret.
 * @param fields as for estimateInputTokens
 */
export function mostInputTokens(fields: Fields): number {
  let tokens = toolTokens(fields);
  const left = promptOf(fields);
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") tokens += Buffer.byteLength(value) + 1;
    else if (Array.isArray(value)) for (const one of value) left.push(one);
    else if (typeof value === "object" && value !== null) {
      const attached = attachmentTokens(value);
      tokens += attached?.most ?? mostTokensPerObject;
      if (!attached) left.push(Object.keys(value), Object.values(value));
    } else if (value !== undefined) tokens += `${value}`.length;
  }
  return Math.ceil(tokens);
}

/** What can be seen of an answer's output, in tokens; of a truncated one it is a lower bound. */
export function outputTokens(contentType: string, body: Buffer): number {
  if (isEventStream(contentType)) {
    let tokens = 0;
    for (const { type, data } of eventsFromEnd(body)) {
      if (!type.startsWith("content_block_")) continue;
      const { delta, content_block } = jsonObjectIn(data) ?? {};
      tokens += spokenIn(delta) + spokenIn(content_block);
    }
    return Math.ceil(tokens);
  }
  if (!isJson(contentType)) return 0;
  const text = body.toString("utf8");
  const whole = jsonObjectIn(text);
  // A piece of a JSON answer is no JSON, and nearly all of it is the text that was spoken.
  if (!whole) return Math.ceil(textTokens(text));
  const content = Array.isArray(whole.content) ? whole.content : [];
  return Math.ceil(content.reduce<number>((sum, block) => sum + spokenIn(block), 0));
}

/** Members of a block or a delta that the model wrote. */
const spokenMembers = ["text", "thinking", "partial_json", "name"];

function spokenIn(written: unknown): number {
  if (typeof written !== "object" || written === null) return 0;
  const members = written as Record<string, unknown>;
  let tokens = likelyTokens([members.input]);
  for (const name of spokenMembers) {
    const member = members[name];
    if (typeof member === "string") tokens += textTokens(member);
  }
  return tokens;
}
