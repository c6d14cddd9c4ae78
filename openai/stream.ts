// Reads a stream of server-sent events from a kept body, and tells whether it came to its end.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

export interface StreamEvent {
  /** The event's type; "" where the stream names none (chat and completions). */
  event: string;
  data: string;
}

/**
 * The events of a stream. Comments and fields that we have no use for are left out. An event that
 * the body's end cuts off is given too, as far as it goes: its data may be half a JSON text.
 */
export function streamEvents(body: Buffer): StreamEvent[] {
  const events: StreamEvent[] = [];
  let event = "";
  let data: string[] = [];
  const dispatch = () => {
    if (data.length > 0) events.push({ event, data: data.join("\n") });
    event = "";
    data = [];
  };
  for (const line of body
    .toString("utf8")
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)) {
    if (line === "") dispatch();
    else if (line.startsWith("data:")) data.push(fieldValue(line));
    else if (line.startsWith("event:")) event = fieldValue(line);
  }
  dispatch();
  return events;
}

/**
 * True when the stream came to the end that its API promises and reports no error: `[DONE]` for chat
 * and completions, `response.completed` or `response.incomplete` for responses.
 */
export function isWholeStream(body: Buffer): boolean {
  const events = streamEvents(body);
  const last = events.at(-1);
  return last !== undefined && endsStream(last) && !events.some(reportsError);
}

function fieldValue(line: string): string {
  const value = line.slice(line.indexOf(":") + 1);
  return value.startsWith(" ") ? value.slice(1) : value;
}

function endsStream({ data }: StreamEvent): boolean {
  if (data === "[DONE]") return true;
  const type = jsonObjectIn(data)?.type;
  return type === "response.completed" || type === "response.incomplete";
}

function reportsError({ event, data }: StreamEvent): boolean {
  if (event === "error" || event === "response.failed") return true;
  // Inside a text the quotes would be escaped, so only events with such a member are parsed.
  if (!data.includes('"error"')) return false;
  const value = jsonObjectIn(data);
  return value?.type === "error" || (typeof value?.error === "object" && value.error !== null);
}

/** The JSON object that a text is; undefined for `[DONE]` and for half an object. */
export function jsonObjectIn(text: string): Record<string, unknown> | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
