import { describe, expect, it } from "vitest";
import { askedOf } from "./asked";

const user = (content: unknown) => ({ role: "user", content });
const chat = (...messages: object[]) => askedOf({ messages });

describe("what a request to OpenAI asks", () => {
  it("is told apart by who says it: the application, and the user turn by turn", () => {
    const { system, turns } = chat(
      { role: "system", content: "Be kind." },
      user("Hello"),
      { role: "assistant", content: "Hello!" },
      { role: "tool", content: "a result" },
      user([
        { type: "text", text: "And" },
        { type: "text", text: "now?" },
      ]),
    );
    expect(system).toEqual(["Be kind."]);
    expect(turns).toEqual([["Hello"], ["And", "now?"]]);
  });

  it.each([
    ["responses with a text", { instructions: "Be kind.", input: "Hello" }],
    [
      "responses with items",
      { instructions: "Be kind.", input: [user([{ type: "input_text", text: "Hello" }])] },
    ],
    ["completions", { instructions: "Be kind.", prompt: "Hello" }],
    ["completions with a list", { instructions: "Be kind.", prompt: ["Hello"] }],
  ])("is read of %s", (_, fields) => {
    expect(askedOf(fields)).toMatchObject({ system: ["Be kind."], turns: [["Hello"]] });
  });

  it.each([
    ["tools", { tools: [{}, {}] }],
    ["tools", { functions: [{}] }],
    [
      "images",
      { messages: [user([{ type: "image_url", image_url: { url: "https://a.example" } }])] },
    ],
    ["images", { input: [user([{ type: "input_file", file_id: "f" }])] }],
    ["images", { messages: [{ role: "tool", content: [{ type: "image_url" }] }] }],
    // Pictures that a model has made, as OpenRouter and others have them in its messages.
    ["images", { messages: [{ role: "assistant", images: [{ type: "image_url" }] }] }],
    ["images", { messages: [{ role: "assistant", content: [{ type: "image_url" }] }] }],
    ["images", { input: [{ type: "function_call_output", output: [{ type: "input_image" }] }] }],
    [
      "images",
      { input: [{ type: "computer_call_output", output: { type: "computer_screenshot" } }] },
    ],
    ["audio", { messages: [user([{ type: "input_audio", input_audio: {} }])] }],
    ["audio", { modalities: ["text", "audio"] }],
    ["json_schema", { response_format: { type: "json_schema" } }],
    ["json_schema", { text: { format: { type: "json_schema" } } }],
    ["reasoning", { reasoning_effort: "high" }],
    ["reasoning", { reasoning: { effort: "low" } }],
  ])("needs %s", (need, fields) => {
    expect(askedOf(fields).needs).toEqual([need]);
  });

  it("needs nothing for JSON without a schema, and for thinking that is turned off", () => {
    const fields = { response_format: { type: "json_object" }, reasoning_effort: "none" };
    expect(askedOf(fields).needs).toEqual([]);
  });

  it.each([
    ["high", { reasoning_effort: "xhigh" }],
    ["medium", { thinking: { type: "enabled" } }],
    ["low", { reasoning_effort: "minimal" }],
    [undefined, {}],
  ])("tells the effort %s", (effort, fields) => {
    expect(askedOf(fields).effort).toBe(effort);
  });

  it("remembers how the conversation began", () => {
    const first = [{ role: "system", content: "Be kind." }, user("Hello")];
    const begun = { messages: first, tools: [{}] };
    expect(askedOf(begun).opening).toBe(begun);
    const later = {
      messages: [...first, { role: "assistant", content: "Hi" }, user("So?")],
      tools: [{}],
    };
    expect(askedOf(later).opening).toEqual(begun);
  });

  it.each([
    [{}],
    [{ messages: null }],
    [{ messages: [null, 7, "text", { role: "user" }] }],
    [{ input: 9 }],
    [{ text: "x", reasoning: 3 }],
  ])("is read of %j without a failure", (fields) => {
    expect(askedOf(fields).turns.length).toBeLessThan(2);
  });
});
