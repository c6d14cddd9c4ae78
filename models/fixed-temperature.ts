// Which models refuse to be told how to sample, and which take the newer bound of an answer only, by their
// names as vendors publish them.

/** Globs of models that take max_completion_tokens only. */
export const completionTokensModels = [
  ...["o1*", "o3*", "o4*", "o5*", "gpt-5*", "gpt-6*", "gpt-7*", "codex-mini*"],
  "computer-use-preview*",
];
// Anthropic's from Opus 4.7 on, by the names of its own API and those of resellers (4.7 for 4-7, and the
// figure before the name).
const newerClaude = [
  ...["claude-opus-4-7*", "claude-opus-4-8*", "claude-opus-4-9*", "claude-opus-4.7*"],
  ...["claude-opus-4.8*", "claude-opus-4.9*", "claude-opus-5*", "claude-sonnet-5*"],
  ...["claude-haiku-5*", "claude-fable*", "claude-mythos*", "claude-opus-latest"],
  ...["claude-4.7-opus*", "claude-4.8-opus*", "claude-4.9-opus*", "claude-5-*"],
];
// Moonshot's from K2.5 on: "invalid temperature: only 1 is allowed for this model".
const newerKimi = ["kimi-k2.5*", "kimi-k2.6*", "kimi-k2.7*", "kimi-k3*", "kimi-for-coding*"];

/** Globs of models that refuse a temperature. */
export const fixedTemperatureModels = [
  ...completionTokensModels,
  ...newerClaude,
  ...newerKimi,
  "*-search-preview*",
];
