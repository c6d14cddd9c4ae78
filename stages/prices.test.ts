import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { log } from "./log";
import { openPrices } from "./prices";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prices-"));
  file = join(folder, "own.yaml");
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

const own = {
  sources: { page: "https://acme.example" },
  models: [
    { model: "mine", vendor: "acme", list: { input: 1, source: "page", as_of: "2026-01-01" } },
  ],
};

describe("the prices of a plugin", () => {
  it("are those of its options, of its file and of the catalogue, with the names of both", () => {
    writeFileSync(file, JSON.stringify(own));
    const prices = [{ model: "gpt-*", input_usd_per_mtok: 9, output_usd_per_mtok: 9 }];
    const { priceOf, names } = openPrices({ prices, catalogue_file: file });
    const inputs = ["gpt-4.1", "mine", "o3", "new"].map((one) => priceOf(one)?.input_usd_per_mtok);
    expect(inputs).toEqual([9, 1, 2, undefined]);
    expect(names).toEqual(expect.arrayContaining(["mine", "o3"]));
    expect(names.filter((name) => name.includes("*"))).toEqual([]);
  });

  it("are the catalogue's while the file cannot be read, and the log says why", () => {
    const error = vi.spyOn(log, "error").mockReturnValue(undefined);
    expect(openPrices({ catalogue_file: file }).priceOf("gpt-4.1")?.input_usd_per_mtok).toBe(8);
    expect(error).toHaveBeenCalledOnce();
    expect(error.mock.calls[0]![0]).toMatch(/no such file.*; prices stay as they were/);
  });
});
