// Reads the server-sent events of a message from a kept body, the last one first: how a stream ended
// and what it took stand at its end. https://platform.claude.com/docs/en/build-with-claude/streaming

export interface StreamEvent {
  /** As in "message_start"; Anthropic names each event, in `event` and in the data's `type`. */
  type: string;
  data: string;
}

/**
 * The events of a stream from its end to its beginning, each read when it is asked for. What a cut
 * left of an event is given too, at either end: its data may be a piece of a JSON text.
 */
export function* eventsFromEnd(body: Buffer): Generator<StreamEvent> {
  const text = body.toString("utf8");
  let type = "";
  let data: string[] = [];
  for (let end = text.length; end >= 0; ) {
    const start = end === 0 ? 0 : text.lastIndexOf("\n", end - 1) + 1;
    const line = text.slice(start, text[end - 1] === "\r" ? end - 1 : end);
    if (line === "") {
      if (data.length > 0) yield eventOf(type, data);
      type = "";
      data = [];
    } else if (line.startsWith("data:")) data.push(fieldValue(line));
    else if (line.startsWith("event:") && type === "") type = fieldValue(line);
    end = start - 1;
  }
  if (data.length > 0) yield eventOf(type, data);
}

function eventOf(type: string, lines: string[]): StreamEvent {
  const data = lines.reverse().join("\n");
  if (type !== "") return { type, data };
  const { type: named, error } = jsonObjectIn(data) ?? {};
  if (typeof named === "string") return { type: named, data };
  // Some relays pass an error on in OpenAI's shape.
  return { type: error ? "error" : "", data };
}

/** What may stand behind the end: a ping, or the end of OpenAI's streams, which vLLM and relays add. */
function saysNothing({ type, data }: StreamEvent): boolean {
  return type === "ping" || data === "[DONE]";
}

function fieldValue(line: string): string {
  const value = line.slice(line.indexOf(":") + 1);
  return value.startsWith(" ") ? value.slice(1) : value;
}

/** What a stream says of itself. */
interface StreamFacts {
  /** An event of type error: nothing good follows it. */
  reportsError: boolean;
  /** It came to message_stop; what says nothing behind it does not count. */
  stopped: boolean;
  /** Why the model stopped, from message_delta; undefined where nobody has said. */
  stopReason: string | undefined;
  /** Whether any block of content began. */
  hasContent: boolean;
  /** What it took, as message_delta states it. */
  usage: unknown;
}

export function readStream(body: Buffer): StreamFacts {
  const facts: StreamFacts = {
    reportsError: false,
    stopped: false,
    stopReason: undefined,
    hasContent: false,
    usage: undefined,
  };
  let isLast = true;
  for (const event of eventsFromEnd(body)) {
    if (saysNothing(event)) continue;
    if (isLast) facts.stopped = event.type === "message_stop" && !!jsonObjectIn(event.data);
    isLast = false;
    if (event.type === "content_block_start") facts.hasContent = true;
    else if (event.type === "error") facts.reportsError = true;
    else if (event.type === "message_delta") {
      const { delta, usage } = readDelta(event);
      facts.stopReason ??= textOf(delta?.stop_reason);
      facts.usage ??= usage;
    }
  }
  return facts;
}

// The last event and what may stand behind it are far shorter than this.
const endBytes = 4096;

/** True when the stream came to the end that the API promises, message_stop. */
export function endsItself(body: Buffer): boolean {
  for (const event of eventsFromEnd(body.subarray(-endBytes))) {
    if (saysNothing(event)) continue;
    return event.type === "message_stop" && jsonObjectIn(event.data) !== undefined;
  }
  return false;
}

interface MessageDelta {
  delta?: { stop_reason?: unknown } | null;
  usage?: unknown;
}

function readDelta({ data }: StreamEvent): MessageDelta {
  return jsonObjectIn(data) ?? {};
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The JSON object that a text is; undefined for half an object. */
export function jsonObjectIn(text: string): Record<string, unknown> | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
