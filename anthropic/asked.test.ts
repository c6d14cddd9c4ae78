import { describe, expect, it } from "vitest";
import { askedOf } from "./asked";

const user = (content: unknown) => ({ role: "user", content });

describe("what a request to Anthropic asks", () => {
  it("is told apart by who says it, and results of tools are nobody's turn", () => {
    const { system, turns, opening } = askedOf({
      system: [{ type: "text", text: "Be kind.", cache_control: { type: "ephemeral" } }],
      messages: [
        user("Hello"),
        { role: "assistant", content: [{ type: "tool_use", name: "look", input: {} }] },
        user([{ type: "tool_result", content: [{ type: "text", text: "a result" }] }]),
        user([{ type: "text", text: "And now?" }]),
      ],
    });
    expect(system).toEqual(["Be kind."]);
    expect(turns).toEqual([["Hello"], ["And now?"]]);
    expect(opening.messages).toEqual([user("Hello")]);
  });

  it.each([
    ["tools", { tools: [{ name: "look" }] }],
    ["images", { messages: [user([{ type: "image", source: {} }])] }],
    ["images", { messages: [user([{ type: "tool_result", content: [{ type: "image" }] }])] }],
    ["images", { messages: [user([{ type: "document", source: {} }])] }],
    ["json_schema", { output_config: { format: { type: "json_schema" } } }],
    ["reasoning", { thinking: { type: "adaptive" } }],
  ])("needs %s", (need, fields) => {
    expect(askedOf(fields).needs).toEqual([need]);
  });

  it.each([
    ["high", { thinking: { type: "enabled", budget_tokens: 32_000 } }],
    ["medium", { thinking: { type: "enabled", budget_tokens: 2000 } }],
    ["low", { thinking: { type: "adaptive" }, output_config: { effort: "low" } }],
    [undefined, { thinking: { type: "disabled" } }],
  ])("tells the effort %s", (effort, fields) => {
    expect(askedOf(fields).effort).toBe(effort);
  });

  it.each([[{}], [{ messages: [null, 7, { role: "user" }] }], [{ system: 4, tools: "x" }]])(
    "is read of %j without a failure",
    (fields) => {
      expect(askedOf(fields)).toMatchObject({ system: [], turns: [], tools: 0 });
    },
  );
});
