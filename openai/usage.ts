// Where an answer says what it took, as JSON or as a stream, whole or only its end: each vendor has a
// place of its own. It is sought from the end, so that a long stream costs no more than a short one.

import type { Usage } from "../models/usage";
import { bodyFormOf, isEventStream } from "./answer-form";
import { type Endpoint, rowOf } from "./endpoint";
import { outputTokens } from "./estimate";
import { blankLineOf, eventsIn, jsonObjectIn } from "./stream";
import { lastUsageIn, mark } from "./usage-piece";
import { member, type Statement, statementFrom, usageBy, withTier } from "./usage-statement";
import { webSearchesIn } from "./web-searches";

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
  const statement = statementIn(endpoint, contentType, body, truncated);
  return statement && usageBy(statement, 0, 0);
}

/** As usageOf, with what is not stated left open. */
export function statementIn(
  endpoint: string,
  contentType: string,
  body: Buffer,
  truncated: boolean,
): Statement | undefined {
  const row = rowOf(endpoint);
  if (!row || row.counts === "nothing") return undefined;
  // A sound states nothing, unless it comes in events.
  if (row.result.length === 0 && !isEventStream(contentType)) return undefined;
  const form = bodyFormOf(contentType, body);
  const isImages = row.counts === "images";
  if (form === "stream" && !truncated) {
    return withImages(ofStream(body), isImages, isImages ? streamed(body) : 0);
  }
  if (form === "json" && !truncated) {
    const answer = jsonObjectIn(body.toString("utf8"));
    const data = member(answer, "data");
    return withImages(ofObject(answer), isImages, Array.isArray(data) ? data.length : 0);
  }
  if (!truncated) return undefined;
  const isStream = form === "stream";
  return (isStream && ofEnd(body)) || lastUsageIn(body.toString("utf8"), isStream);
}

// Behind a blank line stand whole events: they say more than the usage, and what it belongs to.
function ofEnd(body: Buffer): Statement | undefined {
  const blank = blankLineOf(body);
  const found = body.indexOf(blank);
  return found < 0 ? undefined : ofStream(body.subarray(found + blank.length));
}

function withImages(
  statement: Statement | undefined,
  isImages: boolean,
  images: number,
): Statement | undefined {
  if (!isImages || images === 0) return statement;
  return { ...statement, parts: { ...statement?.parts, images } };
}

const madeImage = ['"image_generation.completed"', '"image_edit.completed"'];

function streamed(body: Buffer): number {
  return madeImage.reduce((sum, mark) => sum + occurrences(body, mark), 0);
}

function occurrences(body: Buffer, text: string): number {
  let count = 0;
  for (let at = body.indexOf(text); at >= 0; at = body.indexOf(text, at + 1)) count++;
  return count;
}

/** What stands in its place with Gemini, Bedrock, llama.cpp, Cohere and Ollama. */
const otherMarks = [
  ...['"usageMetadata"', '"amazon-bedrock-invocationMetrics"', '"timings"', '"billed_units"'],
  '"eval_count"',
];
const otherMark = new RegExp(otherMarks.join("|"));

function ofStream(body: Buffer): Statement | undefined {
  const blank = blankLineOf(body);
  for (const one of marksIn(body)) {
    const last = lastStated(body, one, blank);
    if (!last) continue;
    const statement = isWhole(last) ? last : withBefore(last, firstStated(body, one, blank));
    const settled = settledBy(statement, body.subarray(last.end));
    return settled.parts.service_tier ? settled : withTierOf(settled, body);
  }
  return undefined;
}

/** What an event states, and where it ends. */
interface Last extends Statement {
  end: number;
}

function* marksIn(body: Buffer): Generator<string> {
  // Forwards and without its first quote, as quotes stand everywhere: a tenth of what it costs to find none.
  if (body.includes(mark.slice(1))) yield mark;
  if (otherMark.test(body.toString("latin1"))) yield* otherMarks;
}

// Not every vendor repeats it in the chunk of usage: then the first ones have it. Told by a parsed chunk,
// so no text can forge it.
function withTierOf(statement: Statement, body: Buffer): Statement {
  const at = body.subarray(0, 2048).indexOf('"service_tier"');
  const events = at < 0 ? [] : eventsIn(body, at).events;
  return events.reduce((told, { data }) => withTier(told, jsonObjectIn(data) ?? {}), statement);
}

/** Without its output where more is said behind it: so it was a running one, and no later one came. */
function settledBy({ output, total, ...prompt }: Statement, behind: Buffer): Statement {
  const isSum = outputTokens("text/event-stream", behind) <= (output ?? 0);
  return isSum ? { ...prompt, output, total } : prompt;
}

// Some upstreams repeat a running usage in every event: the last one is the sum.
function lastStated(body: Buffer, mark: string, blank: string): Last | undefined {
  for (let at = body.lastIndexOf(mark); at >= 0; at = lastBefore(body, mark, at)) {
    // OpenAI writes "usage":null into every chunk but the last.
    if (/^\s*:\s*null/.test(body.toString("latin1", at + mark.length, at + mark.length + 16))) {
      continue;
    }
    const { events, start, end } = eventsIn(body, at, blank);
    for (const { data } of events.reverse()) {
      const statement = ofObject(jsonObjectIn(data));
      if (statement) return { ...statement, end };
    }
    at = start;
  }
  return undefined;
}

function isWhole({ input, output, total }: Statement): boolean {
  return total !== undefined || (input !== undefined && output !== undefined);
}

function firstStated(body: Buffer, mark: string, blank: string): Statement | undefined {
  const { events } = eventsIn(body, body.indexOf(mark), blank);
  return events.map(({ data }) => ofObject(jsonObjectIn(data))).find((one) => one !== undefined);
}

/** Some upstreams tell the prompt in one event and the answer in another one. */
function withBefore(last: Statement, first: Statement | undefined): Statement {
  if (!first || (last.input ?? first.input) === undefined) return last;
  const [prompt, answer] = last.input === undefined ? [first, last] : [last, first];
  return {
    ...{ input: prompt.input, output: answer.output },
    parts: {
      ...{ ...last.parts, ...prompt.parts },
      reasoning_tokens: answer.parts.reasoning_tokens,
      audio_output_tokens: answer.parts.audio_output_tokens,
    },
  };
}

function lastBefore(body: Buffer, mark: string, at: number): number {
  return at === 0 ? -1 : body.lastIndexOf(mark, at - 1);
}

/** A whole answer, or an event of one. */
function ofObject(answer: Record<string, unknown> | undefined): Statement | undefined {
  if (!answer) return undefined;
  for (const place of placesIn(answer)) {
    const statement = statementFrom(place);
    if (statement) return withSearches(withTier(statement, answer), answer);
  }
  // Whisper's verbose_json and OpenRouter say how long the sound was, and nothing else.
  const duration = answer.duration ?? member(answer.usage, "seconds");
  const seconds = typeof duration === "string" ? Number(duration) : duration;
  return "text" in answer ? statementFrom({ type: "duration", seconds }) : undefined;
}

function* placesIn(answer: Record<string, unknown>): Generator<unknown> {
  yield answer.usage;
  // responses: {"type":"response.completed","response":{...,"usage":{...}}}
  yield member(answer.response, "usage");
  yield member(answer.x_groq, "usage");
  // Moonshot: in the last chunk's choice.
  if (Array.isArray(answer.choices))
    for (const choice of answer.choices) yield member(choice, "usage");
  // Cohere's rerank, and its chat.
  for (const place of [answer.meta, answer.usage]) {
    yield member(place, "tokens");
    yield member(place, "billed_units");
  }
  yield answer.usageMetadata;
  yield answer["amazon-bedrock-invocationMetrics"];
  yield ofTimings(answer.timings);
  // Ollama.
  if ("eval_count" in answer) yield answer;
}

/** llama.cpp counts what it has read now, and what its cache has spared it. */
function ofTimings(timings: unknown): unknown {
  const [read, cached, written] = ["prompt_n", "cache_n", "predicted_n"].map((name) =>
    Number(member(timings, name) ?? 0),
  );
  const prompt_tokens = read! + Math.max(0, cached!);
  return { prompt_tokens, completion_tokens: written, cached_tokens: cached };
}

function withSearches(statement: Statement, answer: Record<string, unknown>): Statement {
  const web_searches = webSearchesIn(answer);
  return web_searches > 0
    ? { ...statement, parts: { ...statement.parts, web_searches } }
    : statement;
}
