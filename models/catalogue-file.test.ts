import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pricesOver } from "./catalogue";
import { catalogueFile } from "./catalogue-file";

let folder: string;
let path: string;
let faults: string[];
let now: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "catalogue-"));
  path = join(folder, "own.yaml");
  faults = [];
  now = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = () =>
  catalogueFile(
    path,
    (fault) => faults.push(fault),
    () => now,
  );

/** As a mounted file changes: another one takes its name. */
function put(text: string): void {
  writeFileSync(join(folder, "next"), text);
  renameSync(join(folder, "next"), path);
}

const costing = (usd: number) => `
sources: { page: "https://acme.example" }
models:
  - model: gpt-4.1
    vendor: acme
    list: { input: ${usd}, output: ${usd}, source: page, as_of: 2026-01-01 }
`;

describe("a catalogue file", () => {
  it("is read again when it changes, after a second at the latest", () => {
    put(costing(1));
    const read = open();
    const price = () => read()?.find("gpt-4.1")?.price.input_usd_per_mtok;
    expect(price()).toBe(1);
    put(costing(2));
    now = 999;
    expect(price()).toBe(1);
    now = 1000;
    expect(price()).toBe(2);
    expect(faults).toEqual([]);
  });

  it("stays as it was while what replaces it is wrong, which is told once", () => {
    put(costing(1));
    const read = open();
    expect(read()).toBeDefined();
    put("models: [");
    for (now = 1000; now < 5000; now += 1000) expect(read()?.find("gpt-4.1")).toBeDefined();
    rmSync(path);
    now += 1000;
    expect(read()?.find("gpt-4.1")).toBeDefined();
    expect(faults).toEqual([
      expect.stringContaining("is no YAML"),
      expect.stringContaining("no such file"),
    ]);
  });

  it("stands between an operator's prices and the catalogue that comes along", () => {
    const read = open();
    const own = [{ model: "mine", input_usd_per_mtok: 9, output_usd_per_mtok: 9 }];
    const priceOf = pricesOver(own, read);
    const inputs = () =>
      ["mine", "gpt-4.1", "o3", "new"].map((model) => priceOf(model)?.input_usd_per_mtok);
    expect(inputs()).toEqual([9, 8, 2, undefined]);
    put(costing(1));
    now = 1000;
    expect(inputs()).toEqual([9, 1, 2, undefined]);
  });
});
