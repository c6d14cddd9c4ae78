// What a usage object says, by whatever names a vendor has for it, and the arithmetic between its
// parts: zeros that stand for "not counted", totals alone, thoughts beside the answer.

import { noUsage, type Usage } from "../models/usage";

/** What an answer states; a member that is undefined is not stated. */
export interface Statement {
  input?: number;
  output?: number;
  /** Of input and output, where they are not stated apart. */
  total?: number;
  /** The parts of input and output, which stand in no other statement. */
  parts: Partial<Usage>;
}

// OpenAI's two APIs; Gemini, Bedrock and the libraries that pass on their own; Ollama.
const names = {
  total: ["total_tokens", "totalTokens", "totalTokenCount"],
  input: [
    ...["prompt_tokens", "input_tokens", "promptTokens", "inputTokens", "promptTokenCount"],
    ...["inputTokenCount", "prompt_eval_count"],
  ],
  output: [
    ...["completion_tokens", "output_tokens", "completionTokens", "outputTokens"],
    ...["candidatesTokenCount", "outputTokenCount", "eval_count"],
  ],
  // OpenAI and Moonshot; DeepSeek; Anthropic, as resellers pass it on; vLLM; xAI; Gemini; Bedrock; LangChain.
  cached: [
    ...["cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens", "num_cached_tokens"],
    ...["cached_prompt_text_tokens", "cached_input_tokens", "cache_read_tokens"],
    ...["cachedInputTokens", "cachedContentTokenCount", "cacheReadInputTokens"],
    ...["cacheReadInputTokenCount", "cache_read"],
  ],
  // OpenAI; LiteLLM; New API; Envoy; Anthropic and Alibaba; Bedrock; LangChain.
  written: [
    ...["cache_write_tokens", "cache_creation_tokens", "cached_creation_tokens"],
    ...["cached_write_tokens", "cache_creation_input_tokens", "cacheWriteInputTokens"],
    ...["cacheWriteInputTokenCount", "cache_creation"],
  ],
} as const;

/** Reads a usage object; undefined for what states nothing. */
export function statementFrom(value: unknown): Statement | undefined {
  // Whisper counts time: {"type":"duration","seconds":12}; Mistral's Voxtral both, and the tokens of its
  // sound in the total alone.
  const timed = member(value, "type") === "duration" ? duration(value, "seconds") : undefined;
  const seconds = timed ?? duration(value, "prompt_audio_seconds");
  const total = seconds ? undefined : firstPositive(value, names.total);
  const input = firstPositive(value, names.input);
  const output = firstPositive(value, names.output);
  if ((total ?? input ?? output ?? seconds) === undefined) return undefined;
  const parts = partsOf(value, input);
  if (seconds !== undefined) parts.audio_seconds = seconds;
  // A prompt that is the total leaves nothing for an answer: as for embeddings.
  const isWhole = input !== undefined && total === input;
  const stated = isWhole ? (output ?? 0) : output;
  const spoken = withThoughts(stated, parts, { input, total });
  return { input: withCached(input, parts, spoken, total), output: spoken, total, parts };
}

/**
 * The usage that a statement makes with what is known beside it.
 * @param inputTokens what was estimated of the request, where no input is stated
 * @param outputTokens what can be seen of the answer, where no output is stated, or none
 */
export function usageBy(
  { input, output, total, parts }: Statement,
  inputTokens: number,
  outputTokens: number,
): Usage {
  const usage = { ...noUsage, ...parts };
  if (input === undefined && output === undefined && total === undefined) return usage;
  if (output !== undefined && (output > 0 || outputTokens === 0)) {
    if (input !== undefined) return filled(usage, input, output, false);
    const rest = (total ?? 0) - output;
    return rest > 0 ? filled(usage, rest, output, false) : filled(usage, inputTokens, output, true);
  }
  if (input !== undefined) {
    const rest = (total ?? 0) - input;
    return rest > 0
      ? filled(usage, input, rest, false)
      : filled(usage, input, outputTokens, outputTokens > 0);
  }
  return filled(usage, Math.max(0, total! - outputTokens), outputTokens, outputTokens > 0);
}

function filled(usage: Usage, input: number, output: number, estimated: boolean): Usage {
  return {
    ...usage,
    input_tokens: input,
    cached_input_tokens: Math.min(usage.cached_input_tokens, input),
    output_tokens: output,
    estimated,
  };
}

// Where the total is more than its parts, the rest was paid for as output: xAI and Gemini count
// thoughts beside completion_tokens, not always by a name. Thoughts are never more than all output.
function withThoughts(
  output: number | undefined,
  { reasoning_tokens = 0, ...parts }: Partial<Usage>,
  { input, total }: { input: number | undefined; total: number | undefined },
): number | undefined {
  if (output === undefined && reasoning_tokens === 0) return undefined;
  const said = output ?? 0;
  const rest = total === undefined || input === undefined ? 0 : total - input - said;
  if (rest > 0 && rest === cachedOf(parts)) return said;
  if (rest > 0) return said + rest;
  return reasoning_tokens > said ? said + reasoning_tokens : output;
}

// Anthropic's way behind OpenAI's names: the cached parts stand beside the prompt, in the total too, and
// are all of it where the prompt is said to be none.
function withCached(
  input: number | undefined,
  parts: Partial<Usage>,
  output: number | undefined,
  total: number | undefined,
): number | undefined {
  const cached = cachedOf(parts);
  if (cached === 0) return input;
  if (input === undefined) return (total ?? 0) - (output ?? 0) < cached ? cached : input;
  const isBeside = total === input + cached + (output ?? 0) || cached > input;
  return isBeside ? input + cached : input;
}

function cachedOf(parts: Partial<Usage>): number {
  const { cached_input_tokens = 0, cache_write_tokens = 0, cache_write_1h_tokens = 0 } = parts;
  return cached_input_tokens + cache_write_tokens + cache_write_1h_tokens;
}

function partsOf(value: unknown, input: number | undefined): Partial<Usage> {
  const read =
    member(value, "prompt_tokens_details") ??
    member(value, "input_tokens_details") ??
    member(value, "input_token_details") ??
    member(value, "prompt_token_details");
  const written =
    member(value, "completion_tokens_details") ??
    member(value, "output_tokens_details") ??
    member(value, "output_token_details");
  return {
    cached_input_tokens:
      firstPositive(read, names.cached) ?? firstPositive(value, names.cached) ?? 0,
    ...writtenIn(value, read),
    audio_input_tokens: Math.min(amount(read, "audio_tokens") ?? 0, input ?? 0),
    reasoning_tokens:
      amount(written, "reasoning_tokens") ??
      amount(value, "reasoning_tokens") ??
      amount(value, "thoughtsTokenCount") ??
      0,
    audio_output_tokens: amount(written, "audio_tokens") ?? 0,
  };
}

// Anthropic's two ages of what is written to the cache, by the names of resellers: Anthropic's own, Alibaba's,
// LiteLLM's and New API's. What is of no age is of the shorter one.
function writtenIn(value: unknown, read: unknown): Partial<Usage> {
  const ages = [
    ...[member(value, "cache_creation"), member(read, "cache_creation")],
    member(read, "cache_creation_token_details"),
  ];
  const aged = (minutes: "5m" | "1h", other: string) =>
    ages
      .map((age) => firstPositive(age, [`ephemeral_${minutes}_input_tokens`]))
      .find((tokens) => tokens !== undefined) ??
    amount(value, other) ??
    0;
  const hour = aged("1h", "claude_cache_creation_1_h_tokens");
  const minutes = aged("5m", "claude_cache_creation_5_m_tokens");
  const all = firstPositive(read, names.written) ?? firstPositive(value, names.written) ?? 0;
  return {
    cache_write_tokens: Math.max(all, minutes + hour) - hour,
    ...(hour > 0 && { cache_write_1h_tokens: hour }),
  };
}

// A zero stands for "not counted" with some vendors, and no prompt has none.
function firstPositive(value: unknown, names: readonly string[]): number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  for (const name of names) {
    const found = amount(value, name);
    if (found !== undefined && found > 0) return found;
  }
  return undefined;
}

function amount(value: unknown, name: string): number | undefined {
  const said = member(value, name);
  const found = typeof said === "string" && /^\d{1,15}$/.test(said) ? Number(said) : said;
  return Number.isSafeInteger(found) && (found as number) >= 0 ? (found as number) : undefined;
}

function duration(value: unknown, name: string): number | undefined {
  const found = member(value, name);
  return typeof found === "number" && Number.isFinite(found) && found >= 0 ? found : undefined;
}

/** With the tier that an answer, or an event of one, says it was served by. */
export function withTier(statement: Statement, answer: Record<string, unknown>): Statement {
  const tier =
    answer.service_tier ??
    member(answer.response, "service_tier") ??
    member(answer.usage, "service_tier");
  if (typeof tier !== "string" || tier === "" || tier.length > 40) return statement;
  return { ...statement, parts: { ...statement.parts, service_tier: tier } };
}

/** A member of what may be an object. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
