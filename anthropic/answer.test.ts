import { describe, expect, it } from "vitest";
import { findingOf } from "./answer";
import {
  event,
  json,
  message,
  messageDelta,
  messageStart,
  messageStop,
  sse,
  stream,
  textBlock,
} from "./message.fixture";

const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
const nothing = { output_tokens: 0 };

function ended(stopReason: string, usage = nothing): string {
  return messageStart() + messageDelta(usage, stopReason) + messageStop;
}

describe("answer", () => {
  it.each([
    ["a message", json, message()],
    ["a call of a tool", json, message({ stop_reason: "tool_use" })],
    ["a message that met max_tokens", json, message({ stop_reason: "max_tokens" })],
    ["a prompt that warms the cache", json, message({ content: [], stop_reason: "max_tokens" })],
    ["nothing to add after a tool's result", json, message({ content: [] })],
    ["a stream", sse, stream("hi")],
    ["a stream with the end of OpenAI's behind its own", sse, `${stream("hi")}data: [DONE]\n\n`],
    ["a refusal before the first word", sse, ended("refusal")],
    ["a stream of nothing to add", sse, ended("end_turn", { output_tokens: 3 })],
  ])("takes %s as whole", (_, type, body) => {
    expect(findingOf("messages", type, Buffer.from(body), false)).toEqual({ state: "whole" });
  });

  it.each([
    [
      "paused",
      "a turn that the upstream goes on with",
      json,
      message({ stop_reason: "pause_turn" }),
    ],
    ["paused", "such a stream", sse, ended("pause_turn", { output_tokens: 3 })],
    ["error", "an error object", json, JSON.stringify(error)],
    ["error", "an error in another shape", json, '{"error":{"message":"no"}}'],
    ["error", "an error before the end", sse, event("error", error) + stream("hi")],
    ["cut", "no reason for its end", sse, messageStart() + messageDelta({}, null) + messageStop],
    ["error", "an error event", sse, messageStart() + event("error", error)],
    [
      "error",
      "an error after some text",
      sse,
      messageStart() + textBlock(0, "a") + event("error", error),
    ],
    ["cut", "a cut stream", sse, messageStart() + textBlock(0, "a")],
    ["cut", "half a message", json, message().slice(0, 70)],
    ["cut", "a message without a reason to stop", json, message({ stop_reason: null })],
    ["error", "a page of HTML", "text/html", "<html>"],
    ["error", "an error as Zhipu sends it", json, '{"code":500,"msg":"no","success":false}'],
    ["error", "an error by MiniMax's number", json, message({ base_resp: { status_code: 1008 } })],
    ["error", "an object that is no message", json, '{"detail":"Not Found"}'],
    ["error", "an event in OpenAI's shape", sse, 'data: {"error":{"message":"no"}}\n\n'],
    ["empty", "nothing at all", sse, ""],
    ["empty", "no content and no tokens", json, message({ content: [], usage: nothing })],
    ["empty", "a stream without content", sse, ended("end_turn")],
  ])("is %s for %s", (kind, _, type, body) => {
    expect(findingOf("messages", type, Buffer.from(body), false).state).toBe(kind);
  });

  it.each([
    ["whole", '{"input_tokens":7}'],
    ["error", '{"detail":"Not Found"}'],
  ])("is %s for a count of tokens that is %s", (kind, body) => {
    const counted = findingOf("messages/count_tokens", json, Buffer.from(body), false);
    expect(counted.state).toBe(kind);
  });
});
