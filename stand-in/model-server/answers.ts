// What the stand-in model says: the last user message back, word by word, in the shapes of OpenAI's
// API. The text is the same for equal requests, the id never: a cached answer can be told.

import { createHash, randomUUID } from "node:crypto";
import type { Behaviour } from "./behaviour";
import { wordsFor } from "./words";

type Fields = Record<string, unknown>;

/** An answer is one JSON text, bytes of another type, or the chunks of a stream in their order. */
export type ModelAnswer = { json: string } | { bytes: Buffer; type: string } | { chunks: string[] };

interface Said {
  model: string;
  id: string;
  created: number;
  /** The words of the answer, each with the space before it: one token each. */
  words: string[];
  cutShort: boolean;
  tokens: { input: number; cached: number; output: number; reasoning: number };
}

export function chatAnswer(body: Fields, behaviour: Behaviour): ModelAnswer {
  const limit = body.max_completion_tokens ?? body.max_tokens;
  const said = say(body, "chatcmpl-", lastUserText(body.messages), limit, behaviour);
  const head = (object: string) => ({
    id: said.id,
    object,
    created: said.created,
    model: said.model,
    system_fingerprint: "fp_stand_in",
  });
  const finish_reason = said.cutShort ? "length" : "stop";
  if (body.stream !== true) {
    const message = { role: "assistant", content: said.words.join(""), refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason }];
    return whole({ ...head("chat.completion"), choices, ...usageField(said, behaviour) });
  }
  const chunk = (delta: Fields, finish: string | null) => ({
    ...head("chat.completion.chunk"),
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const chunks: Fields[] = [
    chunk({ role: "assistant", content: "", refusal: null }, null),
    ...said.words.map((content) => chunk({ content }, null)),
    chunk({}, finish_reason),
  ];
  return stream(chunks, head("chat.completion.chunk"), said, body, behaviour);
}

export function completionAnswer(body: Fields, behaviour: Behaviour): ModelAnswer {
  const said = say(body, "cmpl-", textOf(body.prompt), body.max_tokens, behaviour);
  const { id, created, model } = said;
  const head = { id, object: "text_completion", created, model };
  const finish_reason = said.cutShort ? "length" : "stop";
  const choice = (text: string, finish: string | null) => ({
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  });
  if (body.stream !== true) {
    const choices = choice(said.words.join(""), finish_reason);
    return whole({ ...head, ...choices, ...usageField(said, behaviour) });
  }
  const chunks = said.words.map((word) => ({ ...head, ...choice(word, null) }));
  return stream(
    [...chunks, { ...head, ...choice("", finish_reason) }],
    head,
    said,
    body,
    behaviour,
  );
}

export function embeddingsAnswer(body: Fields, behaviour: Behaviour): ModelAnswer {
  const { input } = body;
  const isList = Array.isArray(input) && typeof input[0] !== "number";
  const inputs: unknown[] = isList ? input : [input];
  const dimensions = typeof body.dimensions === "number" ? body.dimensions : 8;
  const data = inputs.map((one, index) => {
    const vector = vectorOf(JSON.stringify(one), dimensions);
    const embedding = body.encoding_format === "base64" ? base64Of(vector) : vector;
    return { object: "embedding", index, embedding };
  });
  const prompt_tokens = inputs.reduce<number>((sum, one) => sum + tokensOf(one), 0);
  const usage = behaviour.noUsage ? {} : { usage: { prompt_tokens, total_tokens: prompt_tokens } };
  return whole({ object: "list", data, model: String(body.model), ...usage });
}

export function responsesAnswer(body: Fields, behaviour: Behaviour): ModelAnswer {
  const question =
    typeof body.input === "string"
      ? body.input
      : lastUserText(Array.isArray(body.input) ? body.input : []);
  const said = say(body, "resp_", question, body.max_output_tokens, behaviour);
  const text = said.words.join("");
  const item_id = `msg_${said.id.slice(5)}`;
  const part = (value: string) => ({ type: "output_text", text: value, annotations: [] });
  const item = (status: string, content: Fields[]) => ({
    type: "message",
    id: item_id,
    status,
    role: "assistant",
    content,
  });
  const response = (status: string, output: Fields[], usage: Fields) => ({
    id: said.id,
    object: "response",
    created_at: said.created,
    status,
    error: null,
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    model: said.model,
    output,
    ...usage,
    metadata: body.metadata ?? {},
  });
  if (body.background === true) return whole({ ...response("queued", [], {}), background: true });
  const status = said.cutShort ? "incomplete" : "completed";
  const usage = behaviour.noUsage ? {} : { usage: responsesUsage(said) };
  const ended = response(status, [item(status, [part(text)])], usage);
  if (body.stream !== true) return whole(ended);

  const begun = response("in_progress", [], { usage: null });
  const at = { item_id, output_index: 0, content_index: 0 };
  const events: Fields[] = [
    { type: "response.created", response: begun },
    { type: "response.in_progress", response: begun },
    { type: "response.output_item.added", output_index: 0, item: item("in_progress", []) },
    { type: "response.content_part.added", ...at, part: part("") },
    ...said.words.map((delta) => ({ type: "response.output_text.delta", ...at, delta })),
    { type: "response.output_text.done", ...at, text },
    { type: "response.content_part.done", ...at, part: part(text) },
    { type: "response.output_item.done", output_index: 0, item: item(status, [part(text)]) },
    { type: `response.${status}`, response: ended },
  ];
  // This API ends its streams with the last typed event, without [DONE].
  return {
    chunks: events.map(
      (event, sequence_number) =>
        `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number })}\n\n`,
    ),
  };
}

function whole(answer: Fields): ModelAnswer {
  return { json: JSON.stringify(answer) };
}

function stream(
  chunks: Fields[],
  head: Fields,
  said: Said,
  body: Fields,
  behaviour: Behaviour,
): ModelAnswer {
  const options = body.stream_options as { include_usage?: unknown } | undefined;
  const asked = options?.include_usage === true && !behaviour.noUsage;
  // With include_usage every chunk has the field, null in all but the last, whose choices are empty.
  const events = asked
    ? [
        ...chunks.map((chunk) => ({ ...chunk, usage: null })),
        { ...head, choices: [], usage: chatUsage(said) },
      ]
    : chunks;
  return {
    chunks: [...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"],
  };
}

function say(
  body: Fields,
  idPrefix: string,
  question: string,
  limit: unknown,
  behaviour: Behaviour,
): Said {
  const model = String(body.model);
  const all = wordsFor(model, question, behaviour);
  const words = typeof limit === "number" ? all.slice(0, limit) : all;
  const input = tokensOf(body.messages ?? body.prompt ?? body.input);
  const reasoning = body.reasoning_effort || body.reasoning ? 16 : 0;
  return {
    model,
    id: idPrefix + randomUUID().replaceAll("-", ""),
    created: Math.floor(Date.now() / 1000),
    words,
    cutShort: words.length < all.length,
    tokens: {
      input,
      // OpenAI caches prompts from 1,024 tokens on, in steps of 128.
      cached: input >= 1024 ? input - (input % 128) : 0,
      output: words.length + reasoning,
      reasoning,
    },
  };
}

function usageField(said: Said, { noUsage }: Behaviour): Fields {
  return noUsage ? {} : { usage: chatUsage(said) };
}

function chatUsage({ tokens }: Said): Fields {
  return {
    prompt_tokens: tokens.input,
    completion_tokens: tokens.output,
    total_tokens: tokens.input + tokens.output,
    prompt_tokens_details: { cached_tokens: tokens.cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: tokens.reasoning, audio_tokens: 0 },
  };
}

function responsesUsage({ tokens }: Said): Fields {
  return {
    input_tokens: tokens.input,
    input_tokens_details: { cached_tokens: tokens.cached },
    output_tokens: tokens.output,
    output_tokens_details: { reasoning_tokens: tokens.reasoning },
    total_tokens: tokens.input + tokens.output,
  };
}

function lastUserText(messages: unknown): string {
  if (!Array.isArray(messages)) return "";
  const last = messages.findLast((message) => message?.role === "user");
  return textOf(last?.content);
}

/** The text of a content: a string, or the text parts of a list. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part === "string" ? part : (part?.text ?? ""))).join(" ");
}

/** One token for a word and for each number of a list of token ids; plausible, not exact. */
function tokensOf(value: unknown): number {
  if (typeof value === "string") return value.match(/\S+/g)?.length ?? 0;
  if (typeof value === "number") return 1;
  if (!Array.isArray(value)) return 0;
  return value.reduce<number>((sum, one) => sum + tokensOf(one?.content ?? one?.text ?? one), 0);
}

function vectorOf(text: string, dimensions: number): number[] {
  const digest = createHash("sha256").update(text).digest();
  return Array.from({ length: dimensions }, (_, at) => (digest[at % digest.length] ?? 0) / 256);
}

function base64Of(vector: number[]): string {
  return Buffer.from(new Float32Array(vector).buffer).toString("base64");
}
