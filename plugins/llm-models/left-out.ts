// What a client sent for the model that it asked for, and the one that serves in its place is known to
// refuse: it is left out, or said in words that this one knows, so that an alias or a fallback serves
// instead of answering 400.

import { effortFor } from "../../models/efforts";
import { bareName } from "../../models/name";
import type { RequestBody } from "../../openai/request-body";
import { sayAsSystem } from "../../openai/roles";
import type { Terms } from "./terms";
import { thinkAsKnown } from "./think-as-known";

const penalties = ["presence_penalty", "frequency_penalty"];
// https://platform.openai.com/docs/guides/reasoning
const sampling = [
  ...["temperature", "top_p", "top_k", "min_p", "top_a", "typical_p"],
  ...[...penalties, "logit_bias", "logprobs", "top_logprobs"],
];
const othersSamplers = ["top_k", "min_p", "top_a", "typical_p", "repetition_penalty"];
const thinking = ["reasoning_effort", "reasoning", "thinking", "verbosity"];
const ofTheAccount = ["prompt_cache_key", "prompt_cache_retention", "safety_identifier"];

const openAi = /^(?:gpt-|chatgpt-|o\d|codex-|computer-use)/;
const answersAtOnce = /^(?:gpt-3|gpt-4|chatgpt-4)/;
const mistral = /^(?:(?:open-)?mi[sx]tral|ministral|codestral|devstral|magistral|pixtral)-/;

/** By the names of models, what each refuses. */
const refused: readonly [RegExp, readonly string[]][] = [
  // "Unrecognized request argument supplied: reasoning_effort", for OpenAI's that do not think.
  [answersAtOnce, thinking],
  // The same of samplers, for all of OpenAI's but the open ones.
  [/^(?:gpt-(?!oss)|chatgpt-|o\d)/, othersSamplers],
  // "Unsupported parameter", for those that think; gpt-5-chat does not.
  [/^(?:o[3-9]|gpt-[5-9](?!.*chat)|codex-)/, ["stop"]],
  [/^o\d/, ["parallel_tool_calls"]],
  // "does not support parameter presencePenalty", also for their twins that do not think.
  [/^grok-(?:3-mini|[4-9]|code|build)/, [...penalties, "stop"]],
  // "does not support parameter reasoningEffort": but for 3-mini it came with 4.3.
  [/^grok-(?:[23](?!-mini)|4(?!\.[3-9])|code)/, thinking],
  // "Penalty is not enabled for this model".
  [/^gemini-(?!1|2\.0)/, penalties],
  // "Unknown name: Cannot find field".
  [/^gemini-/, [...othersSamplers, ...ofTheAccount, "store", "metadata", "verbosity"]],
  // "Extra inputs are not permitted".
  [mistral, [...ofTheAccount, "store", "verbosity"]],
];

const endsAtOne = /^(?:claude|kimi|moonshot|glm|minimax)-/;
// From Opus 4.1 and Sonnet 4.5 on; the older ones take temperature and top_p together.
const newerClaude = /^claude-(?!2|3|instant|sonnet-4-[02]|opus-4-[02]|sonnet-4$|opus-4$)/;

/** Members that leaveOut may change, and another model gets back. None that names an end user. */
export const leftOut = [
  ...new Set([
    ...[...sampling, ...thinking, ...othersSamplers],
    ...["stop", "parallel_tool_calls", "store", "output_config", "context_management"],
  ]),
];

export function leaveOut(body: RequestBody, { model, fixedTemperature }: Terms): void {
  const name = bareName(model);
  if (fixedTemperature) for (const one of sampling) body.remove(one);
  for (const [names, members] of refused) {
    if (names.test(name)) for (const one of members) body.remove(one);
  }
  if (answersAtOnce.test(name)) leaveOutInside(body);
  askNearestEffort(body, model);
  if (!openAi.test(name)) sayAsSystem(body);
  if (mistral.test(name) || name.startsWith("deepseek-")) nameMaxTokens(body);
  if (name.startsWith("claude-")) thinkAsKnown(body, name);
  const temperature = body.get("temperature");
  if (typeof temperature !== "number") return;
  // OpenAI's go to 2.
  if (temperature > 1 && endsAtOne.test(name)) body.set("temperature", 1);
  if (newerClaude.test(name)) body.remove("top_p");
}

/** Of responses: "Encrypted content is not supported with this model", and a verbosity but medium. */
function leaveOutInside(body: RequestBody): void {
  const text = body.get("text");
  if (typeof text === "object" && text !== null && "verbosity" in text) {
    const { verbosity: _, ...others } = text;
    body.set("text", others);
  }
  const include = body.get("include");
  const encrypted = "reasoning.encrypted_content";
  if (Array.isArray(include) && include.includes(encrypted)) {
    const others = include.filter((one) => one !== encrypted);
    body.set("include", others);
  }
}

function askNearestEffort(body: RequestBody, model: string): void {
  const effort = body.get("reasoning_effort");
  const nearest = nearestEffort(model, effort);
  if (nearest !== undefined) body.set("reasoning_effort", nearest);
  const reasoning = body.get("reasoning");
  if (typeof reasoning !== "object" || reasoning === null || !("effort" in reasoning)) return;
  const inner = nearestEffort(model, reasoning.effort);
  if (inner !== undefined) body.set("reasoning", { ...reasoning, effort: inner });
}

/** Undefined where the model takes it as it is, or it is none. */
function nearestEffort(model: string, effort: unknown): string | undefined {
  const nearest = typeof effort === "string" ? effortFor(model, effort) : undefined;
  return nearest === effort ? undefined : nearest;
}

/** Mistral refuses the newer name of the bound, DeepSeek does not heed it. */
function nameMaxTokens(body: RequestBody): void {
  body.rename("max_completion_tokens", "max_tokens");
  body.remove("max_completion_tokens");
}
