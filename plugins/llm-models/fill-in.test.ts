import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import { badLength, fillIn } from "./fill-in";
import { modelsOptions } from "./schema";
import { terms } from "./terms";

const options = modelsOptions.parse({
  max_tokens_limit: 4096,
  model_rules: [
    { model: "gpt-4.1-mini", max_tokens_limit: 16_384, max_tokens: 8000 },
    { model: "deepseek*", temperature: 0.2, max_tokens_limit: 0 },
    { model: "*-preview", max_tokens_limit: 100 },
  ],
});

interface Case {
  model?: string;
  endpoint?: string;
  alias?: { temperature?: number; max_tokens?: number };
  given?: typeof options;
  isOther?: boolean;
}

function filled(
  text: string,
  { model = "gpt-4.1", endpoint, alias = {}, given, isOther = false }: Case = {},
) {
  const body = RequestBody.parse(text);
  if ("problem" in body) throw new Error(body.problem);
  const exchange = {
    request: {},
    ticket: { endpoint: endpoint ?? "chat/completions" },
    responseHeaders: {} as Record<string, string>,
  } as unknown as Exchange;
  fillIn(exchange, body, terms(given ?? options)(model, alias), isOther);
  return { text: body.text, header: exchange.responseHeaders["X-LLM-Max-Tokens"] };
}

describe("llm-models fill-in", () => {
  it("leaves a way to think that another model refuses out of a count of tokens, too", () => {
    const given = { model: "claude-haiku-4-5", endpoint: "messages/count_tokens", isOther: true };
    expect(filled('{"thinking":{"type":"adaptive"},"system":"a"}', given).text).toBe(
      '{"system":"a"}',
    );
  });

  it.each([
    // The limit lowers what was asked for, by any name, and says so.
    ['{"temperature":1,"max_tokens":5000}', {}, '{"temperature":1,"max_tokens":4096}', "4096"],
    [
      '{"temperature":1,"max_completion_tokens":1e9}',
      {},
      '{"temperature":1,"max_completion_tokens":4096}',
      "4096",
    ],
    [
      '{"max_tokens":9999,"max_completion_tokens":9999,"temperature":1}',
      {},
      '{"max_tokens":4096,"max_completion_tokens":4096,"temperature":1}',
      "4096",
    ],
    [
      '{"max_output_tokens":5000,"temperature":1}',
      { endpoint: "responses" },
      '{"max_output_tokens":4096,"temperature":1}',
      "4096",
    ],
    // What is within it stays as it was spelt.
    ['{"temperature":1,"max_tokens":4.096e3}', {}, '{"temperature":1,"max_tokens":4.096e3}'],
    // A model's own limit stands in for the general one; 0 sets none.
    [
      '{"temperature":1,"max_tokens":20000}',
      { model: "gpt-4.1-mini" },
      '{"temperature":1,"max_tokens":16384}',
      "16384",
    ],
    [
      '{"temperature":1,"max_tokens":20000}',
      { model: "deepseek-chat" },
      '{"temperature":1,"max_tokens":20000}',
    ],
    // A default above the limit is the limit, which nobody asked for.
    ['{"temperature":1}', { model: "x-preview" }, '{"temperature":1,"max_tokens":100}'],
    // For the alias before the model, for the model before all.
    ["{}", { model: "gpt-4.1-mini" }, '{"max_tokens":8000,"temperature":0.7}'],
    [
      "{}",
      { model: "gpt-4.1-mini", alias: { max_tokens: 50, temperature: 0 } },
      '{"max_tokens":50,"temperature":0}',
    ],
    ["{}", { model: "deepseek-chat" }, '{"max_tokens":2048,"temperature":0.2}'],
    ["{}", { model: "deepseek-chat", alias: { temperature: -1 } }, '{"max_tokens":2048}'],
    // Models that take max_completion_tokens only, and no temperature.
    ["{}", { model: "openai/o3-mini" }, '{"max_completion_tokens":4096}'],
    ['{"max_tokens" : 1e2}', { model: "gpt-5" }, '{"max_completion_tokens" : 1e2}'],
    [
      '{"max_tokens":5000,"temperature":1.0}',
      { model: "o1" },
      '{"max_completion_tokens":4096,"temperature":1.0}',
      "4096",
    ],
    ["{}", { model: "o3-mini", endpoint: "responses" }, '{"max_output_tokens":4096}'],
    ["{}", { model: "o3-mini", alias: { temperature: 1 } }, '{"max_completion_tokens":4096}'],
    // Endpoints whose answers have no length.
    ['{"max_tokens":5000}', { endpoint: "embeddings" }, '{"max_tokens":5000}'],
  ] as [string, Case, string, string?][])(
    "makes of %s for %j: %s",
    (text, given, wanted, header) => {
      expect(filled(text, given)).toEqual({ text: wanted, header });
    },
  );

  const unlimited = modelsOptions.parse({});

  it.each([
    // Who says how to sample gets no temperature beside it.
    ['{"top_p":0.9}', {}, '{"top_p":0.9,"max_tokens":2048}'],
    ['{"top_k":40}', {}, '{"top_k":40,"max_tokens":2048}'],
    ['{"top_p":null}', {}, '{"top_p":null,"max_tokens":2048,"temperature":0.7}'],
    // Models that refuse any, by whatever name.
    ["{}", { model: "claude-opus-4-7" }, '{"max_tokens":2048}'],
    ["{}", { model: "claude-opus-4-8-20260301" }, '{"max_tokens":2048}'],
    ["{}", { model: "us.anthropic.claude-opus-4-7-v1:0" }, '{"max_tokens":2048}'],
    ["{}", { model: "anthropic/claude-opus-4.7" }, '{"max_tokens":2048}'],
    ["{}", { model: "anthropic/claude-4.7-opus-20260416" }, '{"max_tokens":2048}'],
    ["{}", { model: "databricks-claude-opus-5" }, '{"max_tokens":2048}'],
    ["{}", { model: "databricks-gpt-5" }, "{}"],
    ["{}", { model: "claude-opus-4-20250514" }, '{"max_tokens":2048,"temperature":0.7}'],
    ["{}", { model: "gpt-4o-mini-search-preview-2025-03-11" }, '{"max_tokens":2048}'],
    // Models that think are not cut by a default; an operator's own word for them holds.
    ["{}", { model: "gpt-5" }, "{}"],
    ["{}", { model: "ft:o3-mini:team::1" }, "{}"],
    ["{}", { model: "deepseek-reasoner" }, '{"temperature":0.7}'],
    ["{}", { model: "gpt-5", alias: { max_tokens: 9000 } }, '{"max_completion_tokens":9000}'],
    // A request that thinks: no temperature, and room for its thoughts.
    [
      '{"thinking":{"type":"enabled","budget_tokens":8000}}',
      { model: "claude-sonnet-4-5" },
      '{"thinking":{"type":"enabled","budget_tokens":8000},"max_tokens":10048}',
    ],
    ['{"reasoning_effort":"high"}', {}, '{"reasoning_effort":"high"}'],
    ['{"reasoning_effort":"none"}', { model: "gpt-5" }, '{"reasoning_effort":"none"}'],
    // An explicit null, and -1, are not given.
    [
      '{"max_tokens":100,"max_completion_tokens":null}',
      { model: "gpt-5" },
      '{"max_completion_tokens":100}',
    ],
    ['{"max_tokens":-1}', {}, '{"max_tokens":2048,"temperature":0.7}'],
    ['{"max_tokens":-1}', { model: "gpt-5" }, "{}"],
    // What was sent for another model, and this one refuses.
    [
      '{"temperature":0.2,"max_tokens":50,"logprobs":true}',
      { model: "gpt-5-mini", isOther: true },
      '{"max_completion_tokens":50}',
    ],
    ['{"temperature":0.2}', { isOther: true }, '{"temperature":0.2,"max_tokens":2048}'],
  ] as [string, Case, string][])(
    "breaks nothing: of %s for %j it makes %s",
    (text, given, wanted) => {
      expect(filled(text, { given: unlimited, ...given }).text).toBe(wanted);
    },
  );

  it("sets no default bound where the prompt may leave it no room", () => {
    const asking = (letters: number, given: Case) => {
      const { text } = filled(
        JSON.stringify({ prompt: "a".repeat(letters), temperature: 1 }),
        given,
      );
      return JSON.parse(text).max_tokens;
    };
    // 16,385 tokens of prompt and answer.
    const short: Case = { model: "gpt-3.5-turbo", given: unlimited };
    expect(asking(40_000, short)).toBe(2048);
    expect(asking(56_000, short)).toBeUndefined();
    expect(asking(56_000, { ...short, model: "of-nobody" })).toBe(2048);
    expect(asking(56_000, { ...short, alias: { max_tokens: 50 } })).toBeUndefined();
    // A limit holds all the same.
    expect(asking(64_000, { model: "gpt-3.5-turbo" })).toBe(4096);
  });

  it("sets no default bound above what the model writes, for thoughts either", () => {
    const text = '{"thinking":{"type":"enabled","budget_tokens":63000}}';
    const { max_tokens } = JSON.parse(
      filled(text, { model: "claude-sonnet-4-5", given: unlimited }).text,
    );
    expect(max_tokens).toBe(64_000);
  });

  it("keeps thoughts below the limit of an answer", () => {
    const text = '{"max_tokens":20000,"thinking":{"type":"enabled","budget_tokens":10000}}';
    expect(filled(text, { model: "claude-sonnet-4-5" }).text).toBe(
      '{"max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":2048}}',
    );
    expect(filled(text, { model: "x-preview" }).text).toBe('{"max_tokens":100,"temperature":0.7}');
  });

  it("bounds a request without a bound even where there is no default", () => {
    const given = modelsOptions.parse({
      max_tokens_limit: 10,
      defaults: { max_tokens: 0, temperature: -1 },
    });
    expect(filled('{"max_tokens":null}', { given }).text).toBe('{"max_tokens":10}');
    expect(filled("{}", { given }).text).toBe('{"max_tokens":10}');
  });

  it.each([
    ["chat/completions", '{"max_tokens":"5"}', "max_tokens"],
    ["chat/completions", '{"max_tokens":1,"max_completion_tokens":[5]}', "max_completion_tokens"],
    ["chat/completions", '{"max_tokens":1.5}', "max_tokens"],
    ["chat/completions", '{"max_tokens":-3}', "max_tokens"],
    ["chat/completions", '{"max_tokens":-1}', undefined],
    ["chat/completions", '{"max_tokens":1e999}', "max_tokens"],
    ["responses", '{"max_output_tokens":{}}', "max_output_tokens"],
    ["responses", '{"max_tokens":"5"}', undefined],
    ["chat/completions", '{"max_tokens":null,"max_completion_tokens":5.0}', undefined],
    ["embeddings", '{"max_tokens":"5"}', undefined],
  ])("on %s finds in %s the bad member %s", (endpoint, text, member) => {
    const body = RequestBody.parse(text) as RequestBody;
    expect(badLength(endpoint, body)).toBe(member);
  });
});
