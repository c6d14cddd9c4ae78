// What a request to OpenAI's API asks of a model, for who chooses one: its texts by who says them, and
// what the model must be able to do.

import type { Asked, Effort, Need } from "../models/asked";
import { thinks } from "./thinking";

type Fields = Readonly<Record<string, unknown>>;

/** Reads a body of chat/completions, completions or responses. */
export function askedOf(fields: Fields): Asked {
  const system: string[] = [];
  const turns: string[][] = [];
  const needs = new Set<Need>();
  if (typeof fields.instructions === "string") system.push(fields.instructions);
  const list = isArray(fields.messages) ? "messages" : "input";
  const messages = fields[list] ?? fields.prompt;
  let begun = 0;
  if (!isArray(messages)) readTurn([messages], turns, needs);
  else {
    for (let at = 0; at < messages.length; at++) {
      const message = messages[at];
      // A prompt of completions may be a list of texts.
      if (typeof message === "string") readTurn([message], turns, needs);
      if (typeof message !== "object" || message === null) continue;
      const { role, content, output, images } = message as Fields;
      const parts = isArray(content) ? content : [content];
      if (role === "system" || role === "developer") readParts(parts, system, needs);
      else if (role === "user") readTurn(parts, turns, needs);
      // A tool may have brought a picture, a model made one; their words are material.
      else if (role === "tool" || role === "assistant") readParts(parts, [], needs);
      else if (output !== undefined) readParts(isArray(output) ? output : [output], [], needs);
      if (isArray(images)) readParts(images, [], needs);
      if (turns.length === 1 && begun === 0) begun = at + 1;
    }
  }
  const tools = countOf(fields.tools) + countOf(fields.functions);
  if (tools > 0) needs.add("tools");
  if (
    typeOf(fields.response_format) === "json_schema" ||
    typeOf(formatOf(fields)) === "json_schema"
  )
    needs.add("json_schema");
  if (isArray(fields.modalities) && fields.modalities.includes("audio")) needs.add("audio");
  const effort = effortOf(fields);
  if (effort) needs.add("reasoning");
  const isOpening = !isArray(messages) || begun === 0 || begun === messages.length;
  const opening = isOpening ? fields : { ...fields, [list]: messages.slice(0, begun) };
  return { system, turns, tools, needs: [...needs], effort, opening };
}

function readTurn(parts: readonly unknown[], turns: string[][], needs: Set<Need>): void {
  const texts: string[] = [];
  readParts(parts, texts, needs);
  if (texts.length > 0) turns.push(texts);
}

/** What a part must be seen or heard for, by every vendor's name for it. */
const needByType = new Map<unknown, Need>([
  ...["image_url", "input_image", "image", "image_file", "computer_screenshot"].map(
    (type) => [type, "images"] as const,
  ),
  // The pages of a document are pictures.
  ...["file", "input_file", "document", "video_url", "input_video"].map(
    (type) => [type, "images"] as const,
  ),
  ...["input_audio", "audio", "audio_url"].map((type) => [type, "audio"] as const),
]);

function readParts(parts: readonly unknown[], texts: string[], needs: Set<Need>): void {
  for (const part of parts) {
    if (typeof part === "string") texts.push(part);
    if (typeof part !== "object" || part === null) continue;
    const { type, text } = part as Fields;
    if (typeof text === "string") texts.push(text);
    const need = needByType.get(type);
    if (need) needs.add(need);
  }
}

function effortOf(fields: Fields): Effort | undefined {
  const { reasoning_effort, reasoning } = fields;
  const said = reasoning_effort ?? (reasoning as Fields | null | undefined)?.effort;
  if (said === "low" || said === "medium" || said === "high") return said;
  if (said === "xhigh" || said === "max") return "high";
  if (said === "minimal") return "low";
  return thinks(fields) ? "medium" : undefined;
}

/** Of responses. */
function formatOf({ text }: Fields): unknown {
  return (text as Fields | null | undefined)?.format;
}

function typeOf(value: unknown): unknown {
  return (value as Fields | null | undefined)?.type;
}

function countOf(list: unknown): number {
  return isArray(list) ? list.length : 0;
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
