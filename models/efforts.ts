// How far OpenAI's models can be asked to think: each takes some of the words only, and refuses the others.

import { bareName } from "./name";

const words = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

// As measured and published by 2026-06: the first that matches holds. Of later models nothing is known.
const taken: readonly [RegExp, first: string, last: string][] = [
  [/^(?:o\d|codex-mini)/, "low", "high"],
  [/^gpt-5(?:\.\d)?-chat/, "medium", "medium"],
  [/^gpt-5-pro/, "high", "high"],
  [/^gpt-5\.[2-5]-pro/, "medium", "xhigh"],
  [/^gpt-5\.(?:1-codex-max|[2-5]-codex)/, "low", "xhigh"],
  [/^gpt-5(?:\.1)?-codex/, "low", "high"],
  [/^gpt-5(?:-|$)/, "minimal", "high"],
  [/^gpt-5\.1(?:-|$)/, "none", "high"],
  [/^gpt-5\.[2-5](?:-|$)/, "none", "xhigh"],
];

/**
 * The word nearest to an effort that a model takes; the effort itself where it takes it, where nobody
 * knows, and where it is no such word. "minimal" lies between two words for models that know "none".
 */
export function effortFor(model: string, effort: string): string {
  const name = bareName(model);
  const asked = words.indexOf(effort);
  const [, first = "none", last = "max"] = taken.find(([names]) => names.test(name)) ?? [];
  if (asked < 0) return effort;
  const lowest = words.indexOf(first);
  const place = Math.min(Math.max(asked, lowest), words.indexOf(last));
  const isBetween = words[place] === "minimal" && first === "none" && last !== "max";
  return isBetween ? "low" : words[place]!;
}
