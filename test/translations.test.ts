// A page and its translation say the same: FILE.ko.md stands beside FILE.md, and what can be compared
// without reading either language is equal.

import { describe, expect, it } from "vitest";
import { filesBelow, textOf } from "./support/yaml-files";

const translations = filesBelow().filter((file) => file.endsWith(".ko.md"));
const originalOf = (file: string) => file.replace(/\.ko\.md$/, ".md");

interface Page {
  /** Levels, in order. */
  headings: number[];
  /** Paragraphs, lists, tables and code blocks under each heading. */
  parts: number[];
  /** Language and text without comments, in order; of a drawing, how many lines it has. */
  code: { language: string; text: string | number }[];
  /** Where links lead, whatever the order of the sentence; translations count as their originals. */
  links: string[];
  /** Names in the text: options, commands, headers. */
  names: string[];
}

function read(file: string): Page {
  const code: Page["code"] = [];
  const prose = textOf(file).replace(/^```(\w*)\n(.*?)^```$/gms, (_, language, text) => {
    code.push({ language, text: language ? withoutComments(text) : text.split("\n").length });
    return "(code)";
  });
  const headings = [...prose.matchAll(/^(#+) .+$/gm)].map(([, marks]) => marks!.length);
  const parts = prose.split(/^#+ .+$/m).map((section) => section.trim().split(/\n{2,}/).length);
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => originalOf(to!));
  const names = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name!);
  return { headings, parts, code, links: links.sort(), names: [...new Set(names)].sort() };
}

function withoutComments(text: string): string {
  return text.replace(/(^|\s+)(#|\/\/|--) .*$/gm, "");
}

describe("a translation", () => {
  it("of what is read first, and of what is read when it breaks, is there", () => {
    const pages = ["troubleshooting", "runbook", "checking"].map((page) => `docs/${page}.ko.md`);
    expect(translations).toEqual(expect.arrayContaining(["README.ko.md", ...pages]));
  });

  it.each(translations)(
    "%s has the headings, parts, code, links and names of its original",
    (file) => {
      expect(read(file)).toEqual(read(originalOf(file)));
    },
  );
});
