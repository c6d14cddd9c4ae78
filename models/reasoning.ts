// Which models think before they answer, by name: their thoughts are output that no client sees, and
// a short bound is used up before the first word.

import { modelGlob } from "./glob";
import { bareName } from "./name";

// As their makers' pages say on 2026-11-26: OpenAI (reasoning), Anthropic (Fable and Mythos cannot but
// think), DeepSeek (V4 thinks unless told not to; r1- is Bedrock's name), Google (thinking), Alibaba
// (QwQ, QvQ; the open Qwen3 think unless told not to, but for -instruct), ByteDance (Seed), xAI, Mistral (Magistral), Moonshot (K2 Thinking, from K2.5 on all), Zhipu (from GLM-4.5
// on), MiniMax (M1, M2), Perplexity, Baidu (X1), Tencent (T1), LG. Where a model only may think, a
// bound that is missing costs nothing: it ends by itself.
export const reasoningModels = [
  ...["o1*", "o3*", "o4*", "o5*", "gpt-5*", "gpt-6*", "gpt-7*", "gpt-oss*", "codex-mini*"],
  ...["computer-use-preview*", "claude-fable*", "claude-mythos*"],
  ...["deepseek-r1*", "r1-*", "deepseek-reasoner*", "deepseek-v4*", "deepseek-flash*"],
  ...["gemini-2.5*", "gemini-3*", "gemini-4*", "gemini-flash*", "gemini-pro*"],
  ...["qwen3-*b", "qwen3:*", "qwen3.5*", "doubao-seed-*", "seed-oss*"],
  ...["qwq*", "qvq*", "grok-3-mini*", "grok-4*", "grok-5*", "grok-code*", "grok-build*"],
  ...["magistral*", "kimi-k2.5*", "kimi-k2.6*", "kimi-k2.7*", "kimi-k3*", "kimi-for-coding*"],
  ...["glm-4.5*", "glm-4.6*", "glm-4.7*", "glm-5*", "minimax-m*", "ernie-x1*", "hunyuan-t1*"],
  ...["exaone-deep*", "sonar-deep-research*", "*thinking*", "*reasoning*", "*-think"],
];

/** A test for models of any spelling (openai/o3, ft:o3-mini:...) against patterns of bare names. */
export function nameGlobs(patterns: readonly string[]): (model: string) => boolean {
  const globs = patterns.map(modelGlob);
  return (model) => {
    const bare = bareName(model);
    return globs.some((matches) => matches(model) || matches(bare));
  };
}

export const reasons = nameGlobs(reasoningModels);
