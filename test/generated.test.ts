import { describe, expect, it } from "vitest";
import { generated } from "../dev/generate";

describe("what is generated", () => {
  it("is not stale: `npm run docs` would change nothing", async () => {
    const files = await generated();
    expect(files.map(({ file }) => file)).toContain("kong.yaml");
    for (const { now, wanted } of files) expect(now).toBe(wanted);
  });
});
