import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { order } from "../kong/order";
import { root, textOf } from "./support/yaml-files";

const text = textOf("CONTRIBUTING.md");
// A path with a folder, in backticks; NAME in it is any plugin's.
const paths = [...text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path]) => path!);

describe("CONTRIBUTING.md", () => {
  it("answers ten questions with files", () => {
    const [, answers] = /## Where is what\n\n.*\n.*\n((?:\|.*\n)+)/.exec(text)!;
    const rows = answers!.trim().split("\n");
    expect(rows).toHaveLength(10);
    for (const row of rows) expect(row).toMatch(/\| .*`[\w-]+\/[\w./-]+`.* \|$/);
  });

  it.each([...new Set(paths)])("names %s, which is there", (path) => {
    const meant = Object.keys(order).map((name) => path.replace("NAME", name));
    expect(meant.filter((each) => !existsSync(join(root, each)))).toEqual([]);
  });
});
