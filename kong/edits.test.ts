import { describe, expect, it } from "vitest";
import { RequestBody } from "../openai/request-body";
import { edited } from "./edits";

function bodyOf(text: string): RequestBody {
  const body = RequestBody.parse(text);
  if ("problem" in body) throw new Error(body.problem);
  return body;
}

describe("edits to a body", () => {
  it.each([
    ["ASCII", '{"model":"gpt-4", "max_tokens":5,"n":1}'],
    ["other scripts", '{"프롬프트":"안녕 🙂","model":"gpt-4","max_tokens":5,"é":"ü"}'],
  ])("make of %s what the body has become", (_, sent) => {
    const body = bodyOf(sent);
    body.set("model", "모델");
    body.rename("max_tokens", "max_completion_tokens");
    body.set("max_completion_tokens", 7);
    body.set("temperature", 0.7);
    expect(edited(sent, [body.edits()])).toBe(body.text);
    expect(JSON.parse(body.text)).toMatchObject({ model: "모델", max_completion_tokens: 7 });
  });

  it("are none where nothing was changed", () => {
    expect(bodyOf('{"a":1}').edits()).toEqual([]);
  });

  it("follow each other", () => {
    const first = bodyOf('{"model":"a"}');
    first.set("model", "longer");
    const second = bodyOf(first.text);
    second.set("n", 2);
    expect(edited('{"model":"a"}', [first.edits(), second.edits()])).toBe(
      '{"model":"longer","n":2}',
    );
  });
});
