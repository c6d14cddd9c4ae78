// The YAML of this repository, for the tests of what operators deploy: which files there are, and how to
// find things in them.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";

export const root = join(__dirname, "../..");

// Made, fetched, or wrong on purpose.
const leftOut = new Set(["node_modules", "dist", ".git", ".cache", "refused"]);

/** Paths of all files below a folder of the repository, relative to its root. */
export function filesBelow(folder = "."): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (leftOut.has(entry.name)) return [];
    const path = relative(root, join(root, folder, entry.name));
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

export function yamlFilesBelow(folder = "."): string[] {
  return filesBelow(folder).filter((file) => /\.ya?ml$/.test(file));
}

export function textOf(file: string): string {
  return readFileSync(join(root, file), "utf8");
}

/** The documents of a file. Throws where one does not parse, or parses with a warning. */
export function documentsOf(file: string): unknown[] {
  const documents = parseAllDocuments(textOf(file), { merge: true });
  return [...documents].map((document) => {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem) throw new Error(`${file}: ${problem.message}`);
    return document.toJS() as unknown;
  });
}

export type Entry = Record<string, unknown>;

/** Every map in a value, with the key under which it, or the list that holds it, stands. */
export function mapsIn(value: unknown, key = ""): { key: string; map: Entry }[] {
  if (Array.isArray(value)) return value.flatMap((item) => mapsIn(item, key));
  if (typeof value !== "object" || value === null) return [];
  const map = value as Entry;
  const inner = Object.entries(map).flatMap(([name, held]) => mapsIn(held, name));
  return [{ key, map }, ...inner];
}

/** Every text in a value, with the key under which it stands. */
export function textsIn(value: unknown, key = ""): { key: string; text: string }[] {
  if (typeof value === "string") return [{ key, text: value }];
  if (Array.isArray(value)) return value.flatMap((item) => textsIn(item, key));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, held]) => textsIn(held, name));
}
