import { describe, expect, it } from "vitest";
import { unitsAsked } from "./asked-units";
import { formBody } from "./form";
import type { RequestBody } from "./request-body";

describe("openai", () => {
  describe("a form", () => {
    it("is read as a body: its model, and its numbers as numbers", () => {
      const fields = { model: "whisper-1", n: "2", temperature: "0.5", stream: "true" };
      const body = formBody({ ...fields, prompt: "7", "image[]": ["a", "b"] }) as RequestBody;
      expect(body.get("model")).toBe("whisper-1");
      expect(body.value).toMatchObject({ n: 2, temperature: 0.5, stream: true, prompt: "7" });
      body.set("model", "gpt-4o-transcribe");
      expect(body.changed).toBe(true);
    });

    it("with two models is refused", () => {
      expect(formBody({ model: ["cheap", "dear"] })).toEqual({
        problem: 'its form has the field "model" twice',
      });
    });

    it("leaves as text what is no number", () => {
      expect((formBody({ n: "many", stream: "yes" }) as RequestBody).value).toEqual({
        n: "many",
        stream: "yes",
      });
    });
  });

  it.each([
    ["images/generations", { n: 3 }, { images: 3 }],
    ["images/edits", {}, { images: 1 }],
    ["images/edits", { n: "many" }, { images: 1 }],
    ["images/edits", { n: 1e9 }, { images: 100 }],
    ["audio/speech", { input: "안녕🙂" }, { characters: 3 }],
    ["audio/transcriptions", {}, { seconds: 2 }],
    ["chat/completions", { n: 3 }, {}],
  ])("%s with %j asks for %j", (endpoint, fields, units) => {
    expect(unitsAsked(endpoint, fields, 32_000)).toEqual(units);
  });
});
