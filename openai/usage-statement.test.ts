import { describe, expect, it } from "vitest";
import { noUsage } from "../models/usage";
import { statementFrom, usageBy } from "./usage-statement";

/** [input, output, estimated] of a usage object, where 9 tokens were estimated and 30 can be seen. */
function read(usage: object, seen = 30) {
  const statement = statementFrom(usage);
  if (!statement) return undefined;
  const { input_tokens, output_tokens, estimated } = usageBy(statement, 9, seen);
  return [input_tokens, output_tokens, estimated];
}

describe("openai", () => {
  describe("a usage object", () => {
    it.each([
      // What is stated counts.
      [{ prompt_tokens: 20, completion_tokens: 50, total_tokens: 70 }, [20, 50, false]],
      [{ input_tokens: 20, output_tokens: 50 }, [20, 50, false]],
      [{ promptTokens: 20, completionTokens: 50, totalTokens: 70 }, [20, 50, false]],
      [{ inputTokens: 20, outputTokens: 50 }, [20, 50, false]],
      [{ inputTokenCount: 20, outputTokenCount: 50 }, [20, 50, false]],
      [{ prompt_tokens: "20", completion_tokens: "50" }, [20, 50, false]],
      [
        {
          ...{ promptTokenCount: 20, candidatesTokenCount: 10 },
          ...{ thoughtsTokenCount: 40, totalTokenCount: 70 },
        },
        [20, 50, false],
      ],
      // Thoughts beside the answer: xAI, Gemini (which does not name them), and without a total.
      [
        {
          prompt_tokens: 32,
          completion_tokens: 9,
          total_tokens: 135,
          completion_tokens_details: { reasoning_tokens: 94 },
        },
        [32, 103, false],
      ],
      [
        {
          prompt_tokens: 21,
          completion_tokens: 0,
          total_tokens: 81,
          completion_tokens_details: { reasoning_tokens: 60 },
        },
        [21, 60, false],
      ],
      [
        {
          prompt_tokens: 20,
          completion_tokens: 50,
          total_tokens: 70,
          completion_tokens_details: { reasoning_tokens: 40 },
        },
        [20, 50, false],
      ],
      [{ prompt_tokens: 20, completion_tokens: 5, total_tokens: 95 }, [20, 75, false]],
      [
        {
          prompt_tokens: 20,
          completion_tokens: 5,
          completion_tokens_details: { reasoning_tokens: 40 },
        },
        [20, 45, false],
      ],
      // Zeros that stand for "not counted": what can be seen counts in their place.
      [{ prompt_tokens: 12, completion_tokens: 0, total_tokens: 12 }, [12, 30, true]],
      [{ prompt_tokens: 12, completion_tokens: 0, total_tokens: 0 }, [12, 30, true]],
      [{ prompt_tokens: 0, completion_tokens: 50, total_tokens: 0 }, [9, 50, true]],
      [{ prompt_tokens: 0, completion_tokens: 50, total_tokens: 62 }, [12, 50, false]],
      [{ prompt_tokens: 12, total_tokens: 40 }, [12, 28, false]],
      // Totals alone: the whole is right, its parts are a guess.
      [{ total_tokens: 100 }, [70, 30, true]],
      [{ total_tokens: 10 }, [0, 30, true]],
      // Cached parts beside the prompt, as Anthropic counts.
      [{ input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 90 }, [100, 5, false]],
      [
        { prompt_tokens: 60, completion_tokens: 5, total_tokens: 115, cache_read_input_tokens: 50 },
        [110, 5, false],
      ],
      [
        {
          ...{ inputTokens: 10, outputTokens: 5, totalTokens: 115 },
          ...{ cacheReadInputTokens: 60, cacheWriteInputTokens: 40 },
        },
        [110, 5, false],
      ],
      // All of the prompt came from the cache, so none is said to stand beside it.
      [{ input_tokens: 0, output_tokens: 5, cache_read_input_tokens: 90 }, [90, 5, false]],
      [
        { prompt_tokens: 0, completion_tokens: 5, total_tokens: 105, cached_tokens: 90 },
        [100, 5, false],
      ],
    ])("%j is %j", (usage, expected) => {
      expect(read(usage)).toEqual(expected);
    });

    it.each([
      [{ prompt_tokens: 8, total_tokens: 8 }, [8, 0, false]],
      [{ total_tokens: 8 }, [8, 0, false]],
    ])("%j of embeddings is %j", (usage, expected) => {
      expect(read(usage, 0)).toEqual(expected);
    });

    it.each([
      ["OpenAI", { prompt_tokens_details: { cached_tokens: 4 } }],
      ["OpenAI's responses", { input_tokens_details: { cached_tokens: 4 } }],
      ["DeepSeek", { prompt_cache_hit_tokens: 4 }],
      ["Moonshot", { cached_tokens: 4 }],
      ["xAI", { cached_prompt_text_tokens: 4 }],
      ["Gemini", { cachedContentTokenCount: 4 }],
      ["Bedrock", { cacheReadInputTokens: 4 }],
      ["Bedrock's metrics", { cacheReadInputTokenCount: 4 }],
      ["LangChain", { input_token_details: { cache_read: 4 } }],
      [
        "a relay, beside a zero of OpenAI's",
        { prompt_tokens_details: { cached_tokens: 0 }, cache_read_input_tokens: 4 },
      ],
      ["resellers of Anthropic", { cache_read_input_tokens: 4 }],
      ["Mistral", { prompt_token_details: { cached_tokens: 4 } }],
    ])("has cached tokens by the name that %s gives them", (_, more) => {
      const statement = statementFrom({ prompt_tokens: 10, completion_tokens: 1, ...more })!;
      expect(usageBy(statement, 9, 0)).toEqual({
        ...noUsage,
        input_tokens: 10,
        output_tokens: 1,
        cached_input_tokens: 4,
      });
    });

    it("has sound, writes to the cache, and time", () => {
      const usage = {
        ...{ prompt_tokens: 50, completion_tokens: 9 },
        prompt_tokens_details: { audio_tokens: 20, cache_write_tokens: 7 },
        completion_tokens_details: { audio_tokens: 3 },
      };
      expect(usageBy(statementFrom(usage)!, 0, 0)).toMatchObject({
        ...{ audio_input_tokens: 20, cache_write_tokens: 7, audio_output_tokens: 3 },
        output_tokens: 9,
      });
      expect(usageBy(statementFrom({ type: "duration", seconds: 12.5 })!, 9, 0)).toEqual({
        ...noUsage,
        audio_seconds: 12.5,
      });
    });

    it("has the sound that Mistral counts in the total alone as its seconds, and no output", () => {
      const voxtral = { prompt_tokens: 4, completion_tokens: 635, total_tokens: 3264 };
      const heard = statementFrom({ ...voxtral, prompt_audio_seconds: 203 })!;
      expect(usageBy(heard, 9, 0)).toEqual({
        ...{ ...noUsage, input_tokens: 4, output_tokens: 635 },
        audio_seconds: 203,
      });
    });

    it.each([
      ["OpenAI", { prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 7 } }],
      ["Anthropic", { cache_creation_input_tokens: 7 }],
      ["Alibaba", { prompt_tokens_details: { cache_creation_input_tokens: 7 } }],
      [
        "Alibaba, by its age",
        { prompt_tokens_details: { cache_creation: { ephemeral_5m_input_tokens: 7 } } },
      ],
      ["Bedrock", { cacheWriteInputTokens: 7 }],
      ["Bedrock's metrics", { cacheWriteInputTokenCount: 7 }],
      ["Envoy", { prompt_tokens_details: { cached_write_tokens: 7 } }],
      ["LangChain", { input_token_details: { cache_creation: 7 } }],
    ])("has what was written to the cache by the name that %s gives it", (_, more) => {
      const statement = statementFrom({ prompt_tokens: 10, completion_tokens: 1, ...more })!;
      expect(usageBy(statement, 9, 0)).toEqual({
        ...noUsage,
        ...{ input_tokens: 10, output_tokens: 1, cache_write_tokens: 7 },
      });
    });

    const [short, long] = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"];
    it.each([
      [
        "Anthropic",
        { cache_creation_input_tokens: 7, cache_creation: { [short!]: 4, [long!]: 3 } },
      ],
      [
        "LiteLLM",
        {
          prompt_tokens_details: {
            cache_creation_tokens: 7,
            cache_creation_token_details: { [short!]: 4, [long!]: 3 },
          },
        },
      ],
      [
        "New API",
        {
          prompt_tokens_details: { cached_creation_tokens: 7 },
          ...{ claude_cache_creation_5_m_tokens: 4, claude_cache_creation_1_h_tokens: 3 },
        },
      ],
    ])("tells the two ages of what was written to the cache apart, as %s names them", (_, more) => {
      const statement = statementFrom({ prompt_tokens: 50, completion_tokens: 9, ...more })!;
      expect(usageBy(statement, 0, 0)).toMatchObject({
        ...{ input_tokens: 50, cache_write_tokens: 4, cache_write_1h_tokens: 3 },
      });
    });

    it("has the thoughts of Gemini as reasoning", () => {
      const thought = { promptTokenCount: 20, thoughtsTokenCount: 40, candidatesTokenCount: 10 };
      expect(usageBy(statementFrom(thought)!, 0, 0)).toMatchObject({
        ...{ output_tokens: 50, reasoning_tokens: 40 },
      });
    });

    it.each([
      ...[{}, null, { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }],
      ...[{ prompt_tokens: -1 }, { prompt_tokens: 1.5 }, { total_tokens: "nine" }, { seconds: 3 }],
    ])("%j states nothing", (usage) => {
      expect(statementFrom(usage)).toBeUndefined();
    });
  });
});
