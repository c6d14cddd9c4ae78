import { describe, expect, it } from "vitest";
import { didYouMean, nearest } from "./misspelling";

const names = ["strip_path", "ttl_seconds", "requests", "redis", "key"];

describe("kong", () => {
  describe("a misspelt name", () => {
    it.each([
      ["strip_paht", "strip_path"],
      ["ttl_second", "ttl_seconds"],
      ["Requests", "requests"],
      ["reqests", "requests"],
      ["reddis", "redis"],
      ["ttl", "ttl_seconds"],
    ])("%s is probably %s", (written, meant) => {
      expect(nearest(written, names)).toBe(meant);
      expect(didYouMean(written, names)).toBe(`; did you mean "${meant}"?`);
    });

    it.each(["semantic", "re", "yek!"])("%s is probably none of them", (written) => {
      expect(didYouMean(written, names)).toBe("");
    });
  });
});
