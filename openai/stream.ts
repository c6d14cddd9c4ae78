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
    if (data.length > 1 && data.every(isWholeData)) {
      for (const one of data) events.push({ event, data: one });
    } else if (data.length > 0) events.push({ event, data: data.join("\n") });
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
    // llama.cpp's own field for an error.
    else if (line.startsWith("error:")) {
      event = "error";
      data.push(fieldValue(line));
    }
  }
  dispatch();
  return events;
}

/**
 * The events around an offset, as few as blank lines set apart, and where they start and end.
 * @param blank what blankLineOf says, for who asks often
 */
export function eventsIn(
  body: Buffer,
  at: number,
  blank = blankLineOf(body),
): { events: StreamEvent[]; start: number; end: number } {
  const before = at === 0 ? -1 : body.lastIndexOf(blank, at - 1);
  const start = before < 0 ? 0 : before + blank.length;
  const after = body.indexOf(blank, at);
  const end = after < 0 ? body.length : after;
  return { events: streamEvents(body.subarray(start, end)), start, end };
}

/** The last event of a stream, found without reading the others. */
export function lastEvent(body: Buffer): StreamEvent | undefined {
  const blank = blankLineOf(body);
  for (let end = body.length; end > 0; ) {
    const { events, start } = eventsIn(body.subarray(0, end), end - 1, blank);
    const last = events.at(-1);
    if (last) return last;
    end = start === end ? end - 1 : start;
  }
  return undefined;
}

/** What stands between two events of this stream. */
export function blankLineOf(body: Buffer): string {
  // What its last bytes have no need of is not sought in all of it.
  const end = body.length > endBytes ? body.subarray(-endBytes) : body;
  const whole = end.includes("\n\n") || end.includes("\r\n\r\n") ? end : body;
  return whole.lastIndexOf("\r\n\r\n") > whole.lastIndexOf("\n\n") ? "\r\n\r\n" : "\n\n";
}

const endBytes = 2048;

/**
 * True when a body holds the end that its API promises of a stream: `[DONE]` for chat and
 * completions, `response.completed`, `.incomplete` or `.failed` for responses, an event of their own for
 * sound and pictures. A client may close its connection at that event, so it, and not the connection,
 * tells that nothing was cut.
 */
export function endsItself(body: Buffer): boolean {
  const known = ends.get(body);
  if (known !== undefined) return known;
  const isEnded =
    body.subarray(-usualEnd.length).equals(usualEnd) || endsStream(lastEvent(body)?.data ?? "");
  ends.set(body, isEnded);
  return isEnded;
}

const usualEnd = Buffer.from("\n\ndata: [DONE]\n\n");

// Asked of one answer several times.
const ends = new WeakMap<Buffer, boolean>();

// Inside a text the quotes would be escaped, so few streams have such a mark at all. Sought from the
// word on, as quotes stand everywhere.
const errorMark =
  /error(?:(?<="error)"|(?<=(?:event|data): ?error)|(?<=^error):)|response\.failed|"code"|"base_resp"/m;

/** The event by which a stream reports that it failed. */
export function errorEventIn(body: Buffer): StreamEvent | undefined {
  if (!errorMark.test(body.toString("latin1"))) return undefined;
  return streamEvents(body).find(reportsError);
}

/** Some upstreams leave out the empty line: then each line is all of an event. */
function isWholeData(line: string): boolean {
  return /^\s*(?:\{.*\}|\[DONE\])\s*$/.test(line);
}

function fieldValue(line: string): string {
  const value = line.slice(line.indexOf(":") + 1);
  return value.startsWith(" ") ? value.slice(1) : value;
}

function endsStream(data: string): boolean {
  if (data.trimEnd() === "[DONE]") return true;
  const type = jsonObjectIn(data)?.type;
  return typeof type === "string" && endTypes.test(type);
}

const endTypes =
  /^(?:response\.(?:completed|incomplete|failed)|transcript(?:\.text|ion)\.done|speech\.audio\.done|image_(?:generation|edit)\.completed)$/;

function reportsError({ event, data }: StreamEvent): boolean {
  if (event === "error" || event === "response.failed") return true;
  // As a text in the place of an event.
  if (/^error\b/i.test(data)) return true;
  const marks = ['"error"', "response.failed", '"code"', '"base_resp"'];
  if (!marks.some((mark) => data.includes(mark))) return false;
  const value = jsonObjectIn(data);
  if (value?.type === "error" || value?.type === "response.failed") return true;
  if (saysError(value?.error) || value?.object === "error") return true;
  if (value && isVendorsError(value)) return true;
  // OpenRouter: a choice that fails on its way.
  const choices = Array.isArray(value?.choices) ? value.choices : [];
  return choices.some((choice) => choice?.finish_reason === "error" || saysError(choice?.error));
}

// {"code":1302,"msg":"busy"} in the place of a chunk; MiniMax; Groq.
function isVendorsError(value: Record<string, unknown>): boolean {
  const { choices, base_resp, x_groq } = value as Record<string, Record<string, unknown>>;
  if ((base_resp?.status_code ?? 0) !== 0 || saysError(x_groq?.error)) return true;
  const isChunk = Array.isArray(choices) && choices.length > 0;
  if (isChunk || "type" in value || value.usage) return false;
  const isGood = goodCodes.includes(value.code as string);
  return !isGood && (typeof value.msg === "string" || typeof value.message === "string");
}

const goodCodes = [undefined, null, 0, 200, "", "0", "200", "ok", "success"] as unknown[];

/** Whether a member `error` is one: some relays fill it with empty texts and zeros where all is well. */
export function saysError(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return Boolean(error);
  return Object.values(error).some(Boolean);
}

/** The JSON object that a text is; undefined for `[DONE]` and for half an object. */
export function jsonObjectIn(text: string): Record<string, unknown> | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    // A byte order mark counts as white space above, and not for JSON.
    return JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
