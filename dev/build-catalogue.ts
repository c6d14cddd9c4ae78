// Writes the catalogue of models as the build carries it: read and checked, so that no plugin server has to
// read YAML of that length before its first answer.

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { builtCatalogue, readCatalogue } from "../models/catalogue";

const root = resolve(__dirname, "..");
const file = join(root, "models/catalogue.yaml");
const { models } = readCatalogue(readFileSync(file, "utf8"), file);
writeFileSync(join(root, "dist/models", builtCatalogue), JSON.stringify(models));
