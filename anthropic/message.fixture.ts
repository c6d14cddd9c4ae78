// Messages as the API sends them, whole and as streams, for tests of this folder.

type Fields = Record<string, unknown>;

export const json = "application/json";
export const sse = "text/event-stream; charset=utf-8";

/** The usage of a message: 1,000 tokens of prompt in four parts, 80 of answer. */
export const statedUsage = {
  input_tokens: 100,
  cache_creation_input_tokens: 300,
  cache_read_input_tokens: 600,
  cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
  output_tokens: 80,
  output_tokens_details: { thinking_tokens: 30 },
  server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
  service_tier: "standard",
  inference_geo: null,
  speed: null,
};

export function message(members: Fields = {}): string {
  return JSON.stringify({
    id: "msg_01",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-4.5",
    content: [{ type: "text", text: "안녕 there" }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: statedUsage,
    ...members,
  });
}

export function event(type: string, members: Fields = {}, end = "\n"): string {
  return `event: ${type}${end}data: ${JSON.stringify({ type, ...members })}${end}${end}`;
}

export function messageStart(usage: Fields = { ...statedUsage, output_tokens: 1 }): string {
  const head = { id: "msg_01", type: "message", role: "assistant", content: [], stop_reason: null };
  return event("message_start", { message: { ...head, usage } });
}

export function textBlock(index: number, ...texts: string[]): string {
  return [
    event("content_block_start", { index, content_block: { type: "text", text: "" } }),
    event("ping"),
    ...texts.map((text) =>
      event("content_block_delta", { index, delta: { type: "text_delta", text } }),
    ),
    event("content_block_stop", { index }),
  ].join("");
}

export function messageDelta(usage: Fields, stop_reason: string | null = "end_turn"): string {
  return event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage });
}

export const messageStop = event("message_stop");

/** A stream of that text, from its start to its end. */
export function stream(...texts: string[]): string {
  return (
    messageStart() + textBlock(0, ...texts) + messageDelta({ output_tokens: 80 }) + messageStop
  );
}
