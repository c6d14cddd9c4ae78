import { describe, expect, it } from "vitest";
import { RequestBody } from "./request-body";
import { budgetOf, fitBudget, thinks } from "./thinking";

describe("openai", () => {
  describe("a request thinks", () => {
    it.each([
      [{ thinking: { type: "enabled", budget_tokens: 2000 } }, 2000],
      [{ thinking: { type: "adaptive" } }, 0],
      [{ reasoning: { max_tokens: 3000 } }, 3000],
      [{ reasoning: { effort: "high" } }, 0],
      [{ reasoning: { enabled: true } }, 0],
      [{ reasoning_effort: "low" }, 0],
      [{ enable_thinking: true, thinking_budget: 500 }, 500],
      [{ chat_template_kwargs: { enable_thinking: true } }, 0],
    ])("with %j, for %i tokens where it says so", (body, budget) => {
      expect(thinks(body)).toBe(true);
      expect(budgetOf(body)).toBe(budget);
    });

    it.each([
      {},
      { thinking: { type: "disabled" } },
      { thinking: null },
      { reasoning_effort: "none" },
      { reasoning_effort: null },
      { reasoning: { effort: "none" } },
      { enable_thinking: false },
      { thinking_budget: 0 },
    ])("not with %j", (body) => {
      expect(thinks(body)).toBe(false);
    });
  });

  it.each([
    [
      '{"thinking":{"type":"enabled","budget_tokens":9000}}',
      4096,
      '{"thinking":{"type":"enabled","budget_tokens":2048}}',
    ],
    [
      '{"thinking":{"type":"enabled","budget_tokens":2000}}',
      4096,
      '{"thinking":{"type":"enabled","budget_tokens":2000}}',
    ],
    ['{"a":1,"thinking":{"type":"enabled","budget_tokens":1024}}', 100, '{"a":1}'],
    ['{"reasoning":{"max_tokens":4096}}', 4096, '{"reasoning":{"max_tokens":2048}}'],
    ['{"thinking_budget":5000}', 3000, '{"thinking_budget":1500}'],
  ])("fits thoughts of %s below a bound of %i tokens", (text, bound, wanted) => {
    const body = RequestBody.parse(text) as RequestBody;
    fitBudget(body, bound);
    expect(body.text).toBe(wanted);
  });
});
