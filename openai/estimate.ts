// Estimates tokens where nobody has counted them: before a request goes upstream, and for an answer
// that states no usage.

import { textTokens } from "../models/text-tokens";
import { bodyFormOf } from "./answer-form";
import { carriedTokens, fileTokens } from "./attachment";
import { jsonObjectIn, streamEvents } from "./stream";

// What a chat format adds to each message (role, separators).
const tokensPerMessage = 4;
/** The members of a request that become the prompt. */
const promptFields = [
  ...["messages", "prompt", "input", "instructions", "tools", "functions"],
  // Schemas of the answer, what is behind the gap, and an answer that is foreseen.
  ...["response_format", "text", "suffix", "prediction"],
];

// Several stages ask for the same request, and a prompt may be a megabyte long. A body of which a
// member was set since has other members, so what was said of it then does not count.
const said = new WeakMap<object, { prompt: unknown[]; tokens: number }>();

/**
 * Estimates how many input tokens a request body will be counted as.
 * @param fields the members of a body of chat/completions, completions, embeddings or responses
 * @returns whole tokens, at least 1
 */
export function estimateInputTokens(fields: Readonly<Record<string, unknown>>): number {
  const prompt = promptOf(fields);
  const before = said.get(fields);
  if (before && isSame(before.prompt, prompt)) return before.tokens;
  const tokens = tokensOf(prompt);
  said.set(fields, { prompt, tokens });
  return tokens;
}

function promptOf(fields: Readonly<Record<string, unknown>>): unknown[] {
  return promptFields.filter((name) => Object.hasOwn(fields, name)).map((name) => fields[name]);
}

function isSame(one: unknown[], other: unknown[]): boolean {
  return one.length === other.length && one.every((member, at) => member === other[at]);
}

function tokensOf(prompt: readonly unknown[]): number {
  let tokens = 0;
  // A list instead of recursion: JSON.parse takes nesting that would overflow the stack.
  const left = [...prompt];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") tokens += textTokens(value);
    // Completions and embeddings take prompts as lists of token ids.
    else if (typeof value === "number") tokens += 1;
    else if (Array.isArray(value)) for (const one of value) left.push(one);
    else if (typeof value === "object" && value !== null) {
      const file = fileTokens(value);
      if (file !== undefined) tokens += file;
      else {
        const { role, type, ...members } = value as Record<string, unknown>;
        if (role !== undefined) tokens += tokensPerMessage;
        for (const [name, one] of Object.entries(members)) {
          const carried = carriedTokens(value, name, one);
          if (carried === undefined) left.push(one);
          else tokens += carried;
        }
      }
    }
  }
  return Math.max(1, Math.ceil(tokens));
}

// A chat format frames each message and each tool with a few tokens that stand in no text.
const mostTokensPerObject = 8;

/**
 * As many input tokens as a request body can be counted as, where it carries all of its prompt: a
 * token is at least one byte of text. Images and files are estimated as above: their tokens are the
 * model's secret.
 * @param fields as for estimateInputTokens
 */
export function mostInputTokens(fields: Readonly<Record<string, unknown>>): number {
  let tokens = 0;
  const left = promptOf(fields);
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value === "string") tokens += Buffer.byteLength(value) + 1;
    else if (Array.isArray(value)) for (const one of value) left.push(one);
    else if (typeof value !== "object") tokens += `${value}`.length;
    else if (value !== null) {
      const file = fileTokens(value);
      tokens += file ?? mostTokensPerObject;
      if (file !== undefined) continue;
      left.push(Object.keys(value));
      for (const [name, one] of Object.entries(value)) {
        const carried = carriedTokens(value, name, one);
        if (carried === undefined) left.push(one);
        else tokens += carried;
      }
    }
  }
  return tokens;
}

/**
 * What can be seen of an answer's output, in tokens. Thoughts that the model kept to itself are not.
 * @param truncated `body` is only the end of the answer
 */
export function outputTokens(contentType: string, body: Buffer, truncated = false): number {
  // Compressed text that cannot be expanded: about four letters a byte, four letters a token.
  if (body.includes(0)) return body.length;
  const form = bodyFormOf(contentType, body);
  if (form === "stream") {
    const plain = contentTokens(body.toString("utf8"));
    if (plain > 0) return Math.ceil(plain);
    let tokens = 0;
    for (const { data } of streamEvents(body)) tokens += spokenIn(jsonObjectIn(data) ?? {});
    return Math.ceil(tokens);
  }
  if (form !== "json") return 0;
  const text = body.toString("utf8");
  const whole = jsonObjectIn(text);
  if (whole) return Math.ceil(spokenIn(whole));
  // A piece of a JSON answer is no JSON, and nearly all of it is the text that was spoken. What is all
  // there and begins otherwise is a page, or an error in a list.
  return truncated || /^\s*\{/.test(text) ? Math.ceil(textTokens(text)) : 0;
}

/** Members of a message, a delta or an output item that the model wrote. */
const spokenMembers = new Set([
  "content",
  "text",
  "refusal",
  "reasoning_content",
  "reasoning",
  "name",
  "arguments",
  "transcript",
  "input",
]);

// A stream that says its text as nearly all do: each piece as a member "content", spelt without spaces,
// and nothing else that was spoken.
const otherSpoken = new RegExp(
  `"(?:${[...spokenMembers].filter((name) => name !== "content").join("|")})" ?:|"delta" ?:"|"content": `,
);
const contents = /"content":"([^"\\]*(?:\\.[^"\\]*)*)"/gs;

/** Tokens of a whole stream, found in its text: a tenth of what reading each event costs. 0: not so. */
function contentTokens(text: string): number {
  // What the end cuts off may be half a text.
  const end = text.lastIndexOf("\n\n");
  if (end < text.length - 2 || text.includes("\r") || otherSpoken.test(text)) return 0;
  let tokens = 0;
  for (const [, spelt = ""] of text.matchAll(contents)) {
    tokens += textTokens(spelt.includes("\\") ? unescaped(spelt) : spelt);
  }
  return tokens;
}

function unescaped(spelt: string): string {
  try {
    return JSON.parse(`"${spelt}"`) as string;
  } catch {
    return "";
  }
}

/** Tokens of what an answer, or an event of one, lets a model say. */
export function spokenIn(answer: Record<string, unknown>): number {
  // A responses stream repeats its text in later events: only the deltas count.
  if (typeof answer.delta === "string") return textTokens(answer.delta);
  let tokens = 0;
  const left: unknown[] = [answer.choices, answer.output];
  while (left.length > 0) {
    const value = left.pop();
    if (Array.isArray(value)) for (const one of value) left.push(one);
    else if (typeof value === "object" && value !== null) {
      for (const [name, one] of Object.entries(value)) {
        if (typeof one !== "string") left.push(one);
        else if (spokenMembers.has(name)) tokens += textTokens(one);
      }
    }
  }
  return tokens;
}
