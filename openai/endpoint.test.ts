import { describe, expect, it } from "vitest";
import { endpoints, rowOf } from "./endpoint";

const named = (is: (row: (typeof endpoints)[number]) => boolean) =>
  endpoints.filter(is).map(({ name }) => name);

describe("openai", () => {
  describe("the table of endpoints", () => {
    it("reads a model from JSON, or from a form", () => {
      expect(named(({ body }) => body === "form")).toEqual([
        ...["images/edits", "images/variations", "audio/transcriptions", "audio/translations"],
      ]);
      expect(named(({ body }) => body === "none")).toEqual(["models", "usage"]);
    });

    it("says what is bounded", () => {
      expect(named(({ bounded }) => bounded)).toEqual([
        ...["chat/completions", "completions", "responses"],
      ]);
    });

    it("says what is counted beside tokens", () => {
      expect(rowOf("images/edits")).toMatchObject({ counts: "images", result: ["data"] });
      expect(rowOf("audio/speech")).toMatchObject({ counts: "characters", result: [] });
      expect(rowOf("audio/translations")).toMatchObject({ counts: "seconds" });
      expect(rowOf("rerank")).toMatchObject({ counts: "call", modelOptional: false });
      expect(rowOf("other")).toBeUndefined();
    });
  });
});
