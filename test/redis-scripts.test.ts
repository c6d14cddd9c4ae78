import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { faultOf, statedIn, usedIn } from "./support/script-header";
import { filesBelow, textOf } from "./support/yaml-files";

const scripts = filesBelow("plugins").filter((file) => file.endsWith(".lua"));

// Whether TypeScript calls them so is seen wherever a test calls them: support/watch-scripts.ts.
describe("the header of a Redis script", () => {
  it.each(scripts.map((file) => [basename(file), file]))("%s states what is used", (_, file) => {
    const lua = textOf(file);
    expect(statedIn(lua)).toEqual(usedIn(lua));
    expect(statedIn(lua).keys).not.toEqual([]);
  });

  it("tells calls that fit from calls that do not", () => {
    const flat = statedIn("-- KEYS[1] a\n-- KEYS[2] b\n-- ARGV[1] c\n");
    expect(faultOf(flat, 2, 1)).toBe(undefined);
    expect(faultOf(flat, 2, 2)).toBe("2 KEYS and 2 ARGV; its header states [1,2] and [1]");
    const each = statedIn(
      "-- KEYS[i] a\n-- KEYS[n+1] b\n-- ARGV[1] c\n-- ARGV[2i] d\n-- ARGV[2i+1] e\n",
    );
    for (const keys of [2, 3]) expect(faultOf(each, keys, 5)).toBe(undefined);
    expect(faultOf(each, 4, 5)).toContain("4 KEYS");
    expect(faultOf(each, 2, 4)).toContain("4 ARGV");
  });
});
