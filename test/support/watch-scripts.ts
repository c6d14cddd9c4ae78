// Set-up of all unit tests: wherever one runs a Redis script, the KEYS and ARGV that it is called with
// are compared with what its header states. Nothing else changes.

import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { afterEach, expect, vi } from "vitest";
import { faultOf, statedIn } from "./script-header";

const { faults } = vi.hoisted(() => ({ faults: new Set<string>() }));

vi.mock("../../redis/script", async (original) => {
  const real = await original<typeof import("../../redis/script.js")>();
  const loadScript: typeof real.loadScript = (file, texts) => {
    const run = real.loadScript(file, texts);
    const stated = statedIn(readFileSync(file, "utf8"));
    return (client, keys, args) => {
      const fault = faultOf(stated, keys.length, args.length);
      if (fault) faults.add(`${relative(process.cwd(), file)} is called with ${fault}`);
      return run(client, keys, args);
    };
  };
  return { ...real, loadScript };
});

// Callers may take an error of Redis for a miss: so it is no error there, but one of the test.
afterEach(() => {
  const found = [...faults];
  faults.clear();
  expect(found).toEqual([]);
});
