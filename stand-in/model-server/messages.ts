// What the stand-in model says in Anthropic's Messages API: the last user message back, word by word,
// after some thinking where that is on, and a call of the tool that the message names.

import { createHash, randomUUID } from "node:crypto";
import type { ModelAnswer } from "./answers";
import type { Behaviour } from "./behaviour";
import type { PromptTokens } from "./prompt-cache";
import { wordsFor } from "./words";

type Fields = Record<string, unknown>;

/** A block of content, whole and as the stream builds it. */
interface Block {
  whole: Fields;
  start: Fields;
  deltas: Fields[];
  tokens: number;
}

interface Said {
  blocks: Block[];
  stopReason: string;
  /** All that was written; that part of it was thinking. */
  outputTokens: number;
  thinkingTokens: number;
}

export function messagesAnswer(
  body: Fields,
  behaviour: Behaviour,
  prompt: PromptTokens,
): ModelAnswer {
  const said = say(body, behaviour);
  const usage = usageOf(said, prompt);
  const stated = (members: Fields) => (behaviour.noUsage ? {} : { usage: members });
  const message = {
    id: newId("msg_"),
    type: "message",
    role: "assistant",
    model: String(body.model),
    content: said.blocks.map(({ whole }) => whole),
    stop_reason: said.stopReason,
    stop_sequence: null,
    stop_details: null,
    ...stated(usage),
  };
  if (body.stream !== true) return { json: JSON.stringify(message) };

  const begun = { ...message, content: [], stop_reason: null };
  const { cache_creation, service_tier, ...repeated } = usage;
  const delta = { stop_reason: said.stopReason, stop_sequence: null, stop_details: null };
  return {
    chunks: [
      event("message_start", {
        message: {
          ...begun,
          ...stated({ ...usage, output_tokens: 1, output_tokens_details: null }),
        },
      }),
      ...said.blocks.flatMap(blockEvents),
      event("message_delta", { delta, ...stated(repeated) }),
      event("message_stop"),
    ],
  };
}

export function event(type: string, members: Fields = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`;
}

function blockEvents({ start, deltas }: Block, index: number): string[] {
  return [
    event("content_block_start", { index, content_block: start }),
    ...(index === 0 ? [event("ping")] : []),
    ...deltas.map((delta) => event("content_block_delta", { index, delta })),
    event("content_block_stop", { index }),
  ];
}

function usageOf(said: Said, { plain, read, written5m, written1h }: PromptTokens) {
  return {
    input_tokens: plain,
    cache_creation_input_tokens: written5m + written1h,
    cache_read_input_tokens: read,
    cache_creation: {
      ephemeral_5m_input_tokens: written5m,
      ephemeral_1h_input_tokens: written1h,
    },
    output_tokens: said.outputTokens,
    output_tokens_details: { thinking_tokens: said.thinkingTokens },
    service_tier: "standard",
  };
}

function say(body: Fields, behaviour: Behaviour): Said {
  const most = typeof body.max_tokens === "number" ? body.max_tokens : Number.POSITIVE_INFINITY;
  const question = lastUserText(body.messages);
  const thought = thinkingBlock(body.thinking, question);
  const thinkingTokens = thought?.tokens ?? 0;
  const all = wordsFor(String(body.model), question, behaviour);
  const words = all.slice(0, Math.max(0, most - thinkingTokens));
  const isCut = words.length < all.length;
  const call = isCut ? undefined : toolBlock(body, question);
  const blocks = [thought, words.length > 0 ? textBlock(words) : undefined, call];
  const written = most === 0 ? [] : blocks.filter((block) => block !== undefined);
  return {
    blocks: written,
    stopReason: isCut ? "max_tokens" : call ? "tool_use" : "end_turn",
    outputTokens: written.reduce((sum, { tokens }) => sum + tokens, 0),
    thinkingTokens: most === 0 ? 0 : thinkingTokens,
  };
}

function textBlock(words: string[]): Block {
  return {
    whole: { type: "text", text: words.join(""), citations: null },
    start: { type: "text", text: "", citations: null },
    deltas: words.map((text) => ({ type: "text_delta", text })),
    tokens: words.length,
  };
}

function thinkingBlock(thinking: unknown, question: string): Block | undefined {
  const { type, display } = (thinking ?? {}) as Fields;
  if (type !== "enabled" && type !== "adaptive") return undefined;
  const all = ["They", " say:", ...(question.match(/\s*\S+/g)?.slice(0, 6) ?? [])];
  const words = display === "omitted" ? [] : all;
  const signature = createHash("sha256").update(all.join("")).digest("base64");
  return {
    whole: { type: "thinking", thinking: words.join(""), signature },
    start: { type: "thinking", thinking: "", signature: "" },
    deltas: [
      ...words.map((word) => ({ type: "thinking_delta", thinking: word })),
      { type: "signature_delta", signature },
    ],
    tokens: all.length,
  };
}

/** A call of the tool that is forced, or that the question names. */
function toolBlock({ tools, tool_choice }: Fields, question: string): Block | undefined {
  const choice = (tool_choice ?? {}) as Fields;
  const named = (Array.isArray(tools) ? tools : []).filter((tool) => tool?.input_schema);
  const isChosen = ({ name }: Fields) =>
    choice.type === "tool" ? name === choice.name : question.includes(String(name));
  const tool = choice.type === "any" ? named[0] : named.find(isChosen);
  if (!tool || choice.type === "none") return undefined;
  const input = inputFor(tool.input_schema, question);
  const json = JSON.stringify(input);
  const half = Math.ceil(json.length / 2);
  const call = { type: "tool_use", id: newId("toolu_"), name: tool.name };
  return {
    whole: { ...call, input },
    start: { ...call, input: {} },
    deltas: ["", json.slice(0, half), json.slice(half)].map((partial_json) => ({
      type: "input_json_delta",
      partial_json,
    })),
    tokens: 1 + Object.keys(input).length,
  };
}

/** A value of the right type for each member of a schema; a text is the question's last word. */
function inputFor(schema: Fields, question: string): Fields {
  const values: Fields = { number: 1, integer: 1, boolean: true, array: [], object: {} };
  const lastWord = question.match(/\S+/g)?.at(-1) ?? "";
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Fields>);
  return Object.fromEntries(
    properties.map(([name, { type }]) => [name, values[String(type)] ?? lastWord]),
  );
}

function lastUserText(messages: unknown): string {
  if (!Array.isArray(messages)) return "";
  return textOf(messages.findLast((message) => message?.role === "user")?.content);
}

/** The text of a content: a string, or the texts of its blocks and of the results of tools. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const texts = content.map((block) => block?.text ?? textOf(block?.content));
  return texts.filter((text) => text !== "").join(" ");
}

function newId(prefix: string): string {
  return prefix + randomUUID().replaceAll("-", "").slice(0, 24);
}
