// What a client sent for the model that it asked for, and the one that serves in its place is known to
// refuse: it is left out, so that an alias or a fallback serves instead of answering 400.

import { bareName } from "../../models/name";
import type { RequestBody } from "../../openai/request-body";
import type { Terms } from "./terms";

type Body = Pick<RequestBody, "get" | "set" | "remove">;

// https://platform.openai.com/docs/guides/reasoning
const sampling = [
  ...["temperature", "top_p", "top_k", "min_p", "top_a", "typical_p"],
  ...["presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"],
];

// "Unrecognized request argument supplied: reasoning_effort", for OpenAI's models that do not think.
const thinking = ["reasoning_effort", "reasoning", "thinking", "verbosity"];
const answersAtOnce = /^(?:gpt-3|gpt-4|chatgpt-4)/;

// "Unrecognized request argument supplied": samplers of others, for OpenAI's models but the open ones.
const othersSamplers = ["top_k", "min_p", "top_a", "typical_p", "repetition_penalty"];
const isOpenAi = /^(?:gpt-(?!oss)|chatgpt-|o\d)/;

// "Unsupported parameter", for those that think; gpt-5-chat does not.
const endsByItself = /^(?:o[3-9]|gpt-[5-9](?!.*chat)|codex-)/;
const callsInTurn = /^o\d/;

// From Opus 4.1 and Sonnet 4.5 on; the older ones take temperature and top_p together.
const newerClaude = /^claude-(?!2|3|instant|sonnet-4-[02]|opus-4-[02]|sonnet-4$|opus-4$)/;

/** Members that leaveOut may change. */
export const leftOut = [
  ...new Set([...sampling, ...thinking, ...othersSamplers, "stop", "parallel_tool_calls"]),
];

export function leaveOut(body: Body, { model, fixedTemperature }: Terms): void {
  const name = bareName(model);
  if (fixedTemperature) for (const one of sampling) body.remove(one);
  if (answersAtOnce.test(name)) for (const one of thinking) body.remove(one);
  if (isOpenAi.test(name)) for (const one of othersSamplers) body.remove(one);
  if (endsByItself.test(name)) body.remove("stop");
  if (callsInTurn.test(name)) body.remove("parallel_tool_calls");
  if (!name.startsWith("claude-")) return;
  const temperature = body.get("temperature");
  if (typeof temperature !== "number") return;
  // OpenAI's go to 2.
  if (temperature > 1) body.set("temperature", 1);
  if (newerClaude.test(name)) body.remove("top_p");
}
