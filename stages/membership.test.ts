import { describe, expect, it } from "vitest";
import { membership } from "./membership";

const isFor = (members: { consumers?: string[]; tags?: string[] }, caller?: object) =>
  membership({ consumers: [], tags: [], ...members })(caller && { id: "1", ...caller });

describe("a rule of the options", () => {
  it("is for who has one of its names, as username or custom_id", () => {
    expect(isFor({ consumers: ["batch-*", "alice"] }, { username: "batch-7" })).toBe(true);
    expect(isFor({ consumers: ["alice"] }, { username: "x", custom_id: "alice" })).toBe(true);
    expect(isFor({ consumers: ["alice"] }, { username: "bob", tags: ["alice"] })).toBe(false);
  });

  it("is for who has one of its tags, whatever the name", () => {
    expect(isFor({ consumers: ["alice"], tags: ["gold"] }, { tags: ["new", "gold"] })).toBe(true);
    expect(isFor({ tags: ["gold"] }, { username: "gold" })).toBe(false);
  });

  it("is for nobody unknown, and for everybody where it names nobody", () => {
    expect(isFor({ consumers: ["*"], tags: ["*"] })).toBe(false);
    expect(isFor({})).toBe(true);
    expect(isFor({}, { username: "alice" })).toBe(true);
  });
});
