// Which models think before they answer, by name: their thoughts are output that no client sees, and
// a short bound is used up before the first word.

import { modelGlob } from "./glob";
import { bareName } from "./name";

// As their makers' pages say on 2026-11-25: OpenAI (reasoning), DeepSeek (thinking mode), Google
// (thinking), Alibaba (QwQ), xAI, Mistral (Magistral), Moonshot (K2 Thinking).
export const reasoningModels = [
  ...["o1*", "o3*", "o4*", "gpt-5*", "gpt-oss*", "deepseek-r1*", "deepseek-reasoner*"],
  ...["gemini-2.5*", "gemini-3*", "qwq*", "grok-3-mini*", "grok-4*", "magistral*"],
  ...["*-thinking*", "*-reasoning*"],
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
