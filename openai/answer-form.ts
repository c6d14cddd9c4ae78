// What form an answer has, told by what it holds: some upstreams name no type, or a wrong one.

type AnswerForm = "json" | "stream";

/**
 * Undefined for what is neither: a page, a sound, a text.
 * @param body may be only the end of the answer: then the type that was named counts
 */
export function bodyFormOf(contentType: string, body: Buffer): AnswerForm | undefined {
  const start = body
    .toString("latin1", 0, 256)
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart();
  if (/^(?:data|event|id|retry)?:/.test(start)) return "stream";
  // The end of a stream may begin inside an event.
  const hasEvents = () => body.includes("\ndata:") || body.includes("\nevent:");
  if (/^[{[]/.test(start)) return isEventStream(contentType) && hasEvents() ? "stream" : "json";
  if (isEventStream(contentType)) return "stream";
  if (isJson(contentType)) return "json";
  return hasEvents() ? "stream" : undefined;
}

export function isEventStream(contentType: string): boolean {
  return /^\s*text\/event-stream\b/i.test(contentType);
}

export function isJson(contentType: string): boolean {
  return /^\s*application\/(?:[\w.-]+\+)?json\b/i.test(contentType);
}
