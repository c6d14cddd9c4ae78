import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { builtCatalogue, catalogue } from "../../models/catalogue";

it("the build carries the catalogue of models as it is written", () => {
  const built = readFileSync(join(__dirname, "../../dist/models", builtCatalogue), "utf8");
  const { models } = catalogue();
  expect(models.length).toBeGreaterThan(100);
  expect(JSON.parse(built)).toEqual(JSON.parse(JSON.stringify(models)));
});
