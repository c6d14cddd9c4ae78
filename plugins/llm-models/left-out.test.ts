import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import { leaveOut, leftOut } from "./left-out";
import { modelsOptions } from "./schema";
import { terms } from "./terms";

const termsOf = terms(modelsOptions.parse({}));

const enabled = { type: "enabled", budget_tokens: 2000 };
const adaptive = { type: "adaptive" };
const clearing = { type: "clear_thinking_20251015", keep: "all" };
const format = { type: "json_schema", schema: {} };

function left(model: string, fields: object): unknown {
  const body = RequestBody.parse(JSON.stringify(fields)) as RequestBody;
  leaveOut(body, termsOf(model, {}));
  return JSON.parse(body.text);
}

describe("llm-models", () => {
  describe("what was asked of another model", () => {
    it.each([
      ["o4-mini", { temperature: 0.2, top_p: 1, logprobs: true, seed: 1 }, { seed: 1 }],
      ["anthropic/claude-opus-4.7", { temperature: 0.2, top_k: 5 }, {}],
      // OpenAI's models that do not think know no effort.
      ["gpt-4o", { reasoning_effort: "high", verbosity: "low", top_p: 1 }, { top_p: 1 }],
      ["openai/gpt-4.1", { reasoning: { effort: "low" } }, {}],
      ["gpt-4.1", { top_k: 5, min_p: 0.1, repetition_penalty: 1.1, stop: "x" }, { stop: "x" }],
      ["gpt-oss-120b", { top_k: 5, stop: "x" }, undefined],
      ["gpt-5-mini", { stop: ["x"], parallel_tool_calls: true }, { parallel_tool_calls: true }],
      ["gpt-5-chat-latest", { stop: ["x"] }, undefined],
      ["o4-mini", { stop: ["x"], parallel_tool_calls: true }, {}],
      ["o1", { stop: ["x"], parallel_tool_calls: true }, { stop: ["x"] }],
      // Claude's temperatures end at 1, and its later models take one sampler.
      ["claude-sonnet-4-5", { temperature: 1.6, top_p: 0.5 }, { temperature: 1 }],
      ["claude-sonnet-4-5", { top_p: 0.5 }, { top_p: 0.5 }],
      ["claude-3-7-sonnet-latest", { temperature: 0.2, top_p: 1 }, { temperature: 0.2, top_p: 1 }],
      ["claude-sonnet-4-20250514", { temperature: 1.2, top_p: 1 }, { temperature: 1, top_p: 1 }],
      // The words of an application are said by a role that all know.
      [
        "deepseek-ai/DeepSeek-V3",
        { messages: [{ role: "developer", content: 'Be "developer".' }, { role: "user" }] },
        { messages: [{ role: "system", content: 'Be "developer".' }, { role: "user" }] },
      ],
      ["glm-5", { input: [{ role: "developer" }] }, { input: [{ role: "system" }] }],
      ["gpt-4.1", { messages: [{ role: "developer", content: "Be." }] }, undefined],
      // Each takes some efforts only.
      ["o3", { reasoning_effort: "minimal" }, { reasoning_effort: "low" }],
      [
        "gpt-5",
        { reasoning: { effort: "xhigh", summary: "auto" } },
        { reasoning: { effort: "high", summary: "auto" } },
      ],
      [
        "gpt-4.1",
        { text: { verbosity: "low", format: {} }, include: ["reasoning.encrypted_content", "x"] },
        { text: { format: {} }, include: ["x"] },
      ],
      // xAI's, Google's and Mistral's.
      [
        "x-ai/grok-4",
        { presence_penalty: 1, stop: ["x"], reasoning_effort: "low", n: 1 },
        { n: 1 },
      ],
      ["grok-4.20-reasoning", { reasoning_effort: "low" }, {}],
      ["grok-4.5", { reasoning_effort: "low", frequency_penalty: 1 }, { reasoning_effort: "low" }],
      ["grok-3", { presence_penalty: 1, stop: ["x"] }, undefined],
      [
        "google/gemini-2.5-pro",
        { store: false, metadata: { a: "b" }, frequency_penalty: 0.5, top_k: 4, top_p: 1 },
        { top_p: 1 },
      ],
      ["gemini-2.0-flash", { frequency_penalty: 0.5 }, undefined],
      ["mistral-large-2512", { max_completion_tokens: 9, store: true }, { max_tokens: 9 }],
      [
        "deepseek-chat",
        { max_tokens: 9, max_completion_tokens: 9, store: true },
        { max_tokens: 9, store: true },
      ],
      ["kimi-k2", { temperature: 1.6 }, { temperature: 1 }],
      // Each Claude thinks in the form that it knows.
      ["claude-opus-4-8", { thinking: enabled }, { thinking: { type: "adaptive" } }],
      ["claude-haiku-4-5", { thinking: adaptive, output_config: { effort: "high" } }, {}],
      [
        "claude-opus-4-5",
        { thinking: adaptive, output_config: { effort: "low" } },
        { output_config: { effort: "low" } },
      ],
      ["claude-sonnet-4-5", { thinking: adaptive, context_management: { edits: [clearing] } }, {}],
      [
        "claude-haiku-4-5",
        { output_config: { effort: "low", format } },
        { output_config: { format } },
      ],
      [
        "claude-haiku-4-5",
        { thinking: enabled, context_management: { edits: [clearing] } },
        undefined,
      ],
      ["claude-opus-4-6", { thinking: enabled, output_config: { effort: "low" } }, undefined],
      // Of what nobody knows that it is refused nothing is left out.
      ["mistral-large", { temperature: 1.6, top_p: 1, reasoning_effort: "high" }, undefined],
      ["claude-sonnet-4-5", { reasoning_effort: "high" }, undefined],
    ])("is left out where %s refuses it: %j", (model, sent, kept) => {
      expect(left(model, sent)).toEqual(kept ?? sent);
    });

    it("is told by its names, so that it can be taken back", () => {
      const all = Object.fromEntries(leftOut.map((name) => [name, 2]));
      for (const model of ["o3", "gpt-4o", "claude-sonnet-4-5", "gemini-3", "grok-4"]) {
        const changed = left(model, all) as Record<string, unknown>;
        const names = Object.keys(all).filter((name) => changed[name] !== 2);
        expect(names.every((name) => leftOut.includes(name))).toBe(true);
      }
    });
  });
});
