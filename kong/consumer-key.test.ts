import { describe, expect, it } from "vitest";
import {
  expiryIn,
  expiryTag,
  isOurKey,
  isOver,
  keyPattern,
  newKey,
  withExpiry,
} from "./consumer-key";

describe("a key that kong-llm makes", () => {
  it("is known by its prefix and its check sum, and never made twice", () => {
    const keys = Array.from({ length: 200 }, newKey);
    expect(new Set(keys).size).toBe(200);
    expect(keys.every(isOurKey)).toBe(true);
    expect(keys.every((key) => new RegExp(`^${keyPattern}$`).test(key))).toBe(true);
  });

  it("is told from what only looks like one", () => {
    const key = newKey();
    const last = key.at(-1) === "0" ? "1" : "0";
    expect(isOurKey(key.slice(0, -1) + last)).toBe(false);
    expect(isOurKey(`${key}0`)).toBe(false);
    expect(isOurKey("sk-0123456789")).toBe(false);
  });

  it("ends when a tag of its credential says", () => {
    const until = new Date("2027-01-31T12:00:00.5Z");
    expect(expiryTag(until)).toBe("llm-expires-2027-01-31T12:00:00Z");
    expect(expiryIn(["team-a", expiryTag(until)])).toBe("2027-01-31T12:00:00Z");
    expect(expiryIn(["team-a"])).toBeUndefined();
    const end = "2027-01-31T12:00:00Z";
    expect(isOver(end, new Date("2027-01-31T11:59:59.999Z"))).toBe(false);
    expect(isOver(end, new Date("2027-01-31T12:00:00.001Z"))).toBe(true);
    expect(isOver("2027-01-31", new Date("2027-01-31T00:00:00Z"))).toBe(true);
    expect(withExpiry(["a", "llm-expires-2020-01-01"], until)).toEqual(["a", expiryTag(until)]);
  });
});
