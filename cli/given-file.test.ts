import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runKongLlm } from "../test/support/command";
import { textIn, told } from "./given-file";

describe("a file that a command is given", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "given-file-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const faultOf = (read: () => unknown) => {
    try {
      return read();
    } catch (error) {
      return told(error as Error);
    }
  };

  it("is read as UTF-8, without a byte order mark", () => {
    const file = join(folder, "bom.json");
    writeFileSync(file, "\uFEFF{}");
    expect(textIn(file)).toBe("{}");
  });

  it("is named in words where it cannot be read", () => {
    const missing = join(folder, "missing.yaml");
    expect(faultOf(() => textIn(missing))).toBe(`${missing} is not there`);
    expect(faultOf(() => textIn(folder))).toBe(`${folder} is a folder, where a file is meant`);
  });

  it("is named in words by the commands that would read or write it", async () => {
    const missing = join(folder, "missing/kong.yaml");
    const file = join(folder, "file");
    writeFileSync(file, "");
    const said = async (...args: string[]) => (await runKongLlm(args)).stderr;
    expect(await said("validate", missing)).toBe(`kong-llm: ${missing} is not there\n`);
    expect(await said("render", missing)).toBe(`kong-llm: ${missing} is not there\n`);
    expect(await said("install", "--dir", file)).toMatch(/^kong-llm: \S+ is a file, where a/);
  });
});
