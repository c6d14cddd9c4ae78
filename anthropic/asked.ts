// What a request to Anthropic's API asks of a model, for who chooses one: its texts by who says them,
// and what the model must be able to do.

import type { Asked, Effort, Need } from "../models/asked";

type Fields = Readonly<Record<string, unknown>>;

/** Reads a body of messages or messages/count_tokens. */
export function askedOf(fields: Fields): Asked {
  const system: string[] = [];
  const turns: string[][] = [];
  const needs = new Set<Need>();
  readBlocks(fields.system, system, needs);
  const messages = isArray(fields.messages) ? fields.messages : [];
  let begun = 0;
  for (let at = 0; at < messages.length; at++) {
    const { role, content } = (messages[at] ?? {}) as Fields;
    if (role !== "user") continue;
    const texts: string[] = [];
    readBlocks(content, texts, needs);
    // A message that only brings the results of tools is nobody's turn.
    if (texts.length > 0) turns.push(texts);
    if (turns.length === 1 && begun === 0) begun = at + 1;
  }
  const tools = isArray(fields.tools) ? fields.tools.length : 0;
  if (tools > 0) needs.add("tools");
  if (wantsSchema(fields)) needs.add("json_schema");
  const effort = effortOf(fields);
  if (effort) needs.add("reasoning");
  const isOpening = begun === 0 || begun === messages.length;
  const opening = isOpening ? fields : { ...fields, messages: messages.slice(0, begun) };
  return { system, turns, tools, needs: [...needs], effort, opening };
}

function readBlocks(content: unknown, texts: string[], needs: Set<Need>): void {
  if (typeof content === "string") texts.push(content);
  if (!isArray(content)) return;
  for (const block of content) {
    const { type, text, content: inner } = (block ?? {}) as Fields;
    if (type === "text" && typeof text === "string") texts.push(text);
    else if (type === "image" || type === "document") needs.add("images");
    // A tool may have brought a picture; its words are material.
    else if (type === "tool_result") readBlocks(inner, [], needs);
  }
}

/** https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
function wantsSchema({ output_config, output_format }: Fields): boolean {
  const format = (output_config as Fields | null | undefined)?.format ?? output_format;
  return (format as Fields | null | undefined)?.type === "json_schema";
}

// A budget of thoughts above this is more than a careful look at a question.
const highBudget = 16_000;

/** https://platform.claude.com/docs/en/build-with-claude/extended-thinking, .../effort */
function effortOf({ thinking, output_config }: Fields): Effort | undefined {
  const { type, budget_tokens } = (thinking ?? {}) as Fields;
  const said = (output_config as Fields | null | undefined)?.effort;
  if (type !== "enabled" && type !== "adaptive") return undefined;
  if (said === "low" || said === "medium" || said === "high") return said;
  if (said === "xhigh" || said === "max") return "high";
  return typeof budget_tokens === "number" && budget_tokens > highBudget ? "high" : "medium";
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
