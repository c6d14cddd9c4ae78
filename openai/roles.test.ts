import { describe, expect, it } from "vitest";
import { RequestBody } from "./request-body";
import { sayAsSystem } from "./roles";

function said(text: string): RequestBody {
  const body = RequestBody.parse(text) as RequestBody;
  sayAsSystem(body);
  return body;
}

describe("the role developer", () => {
  it("is system for models of others, and every other byte stays", () => {
    const list = String.raw`[ {"role" : "developer","seed":1.50e9}, "x", {"content":"{\"role\":\"developer\"}","role":"dev\u0065loper"} , {"role":"user","content":[{"role":"developer"}]}]`;
    const body = said(`{"model":"m", "messages":${list}}`);
    expect(body.text).toBe(
      String.raw`{"model":"m", "messages":[ {"role" : "system","seed":1.50e9}, "x", {"content":"{\"role\":\"developer\"}","role":"system"} , {"role":"user","content":[{"role":"developer"}]}]}`,
    );
    expect(body.get("messages")).toEqual(JSON.parse(body.text).messages);
  });

  it.each([
    '{"messages":[{"role":"user","content":"developer"}]}',
    '{"messages":"developer"}',
    '{"messages":[null,{"role":"developer","role":"developer"}]}',
    '{"input":[]}',
  ])("changes nothing where it is not, or cannot be told: %s", (text) => {
    expect(said(text).text).toBe(text);
  });

  it("stays system when a text of the same list is masked later, and in a copy", () => {
    const body = said('{"messages":[{"role":"developer","content":"Kim asks"}]}');
    const copy = body.copy();
    for (const one of [body, copy]) {
      const [spelling] = one.spellings();
      const at = spelling!.text.indexOf("Kim", spelling!.start);
      one.respell(spelling!, [{ start: at, end: at + 3, text: "[NAME_1]" }]);
      expect(one.text).toBe('{"messages":[{"role":"system","content":"[NAME_1] asks"}]}');
    }
  });
});
