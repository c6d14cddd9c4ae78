import { describe, expect, it } from "vitest";
import { findIn } from "./find";
import { foundIn } from "./found-in.fixture";
import { bit } from "./kind";

describe("findIn", () => {
  it("finds several kinds in the order of the text, none of which overlap", () => {
    expect(foundIn("010-1234-5678 kim@example.com 203.0.113.7")).toEqual([
      "phone: 010-1234-5678",
      "email: kim@example.com",
      "ip_address: 203.0.113.7",
    ]);
    expect(foundIn("010-1234-5678@example.com")).toEqual(["email: 010-1234-5678@example.com"]);
  });

  it("finds only what is wanted", () => {
    const found = findIn("010-1234-5678 kim@example.com", bit.email);
    expect(found).toEqual([{ kind: "email", start: 14, end: 29 }]);
  });

  it("finds at every offset of a text that is longer than what is read at once", () => {
    for (let at = 16_370; at < 16_400; at++) {
      const text = `${"a ".repeat(at).slice(0, at - 1)} 010-1234-5678, ${"한 ".repeat(20_000)}b@example.com`;
      expect(foundIn(text), `at ${at}`).toEqual(["phone: 010-1234-5678", "email: b@example.com"]);
    }
  });

  it("finds the same in each of two texts, whatever was in the one before", () => {
    const text = "1234 5678 4111 1111 1111 1111";
    const alone = foundIn(text);
    foundIn("1234 5678 9012");
    expect(foundIn(text)).toEqual(alone);
  });
});
