// What an operator lets requests hold beside personal data: endpoints, lengths, scripts, and patterns that
// no text may hold or one must. The first rule that a request breaks refuses it, by its name.

import { anyGlob } from "../../models/glob";
import type { RequestBody } from "../../openai/request-body";
import type { Consumer } from "../../stages/exchange";
import { membership } from "../../stages/membership";
import { changesIn } from "./json-texts";
import { compile } from "./own-recognisers";
import type { PrivacyOptions, scripts } from "./schema";
import { isBytes } from "./unread";

type Rule = PrivacyOptions["prompt_rules"][number];

/** What of a rule a request breaks. */
export type Broken = "endpoint" | "length" | "script" | "deny" | "require";

export interface BrokenRule {
  name: string;
  what: Broken;
}

export interface Prompt {
  endpoint: string;
  body: RequestBody | undefined;
}

export type Examine = (prompt: Prompt, caller?: Consumer) => BrokenRule | undefined;

export function promptRules(rules: readonly Rule[]): Examine {
  const compiled = rules.map((rule) => ({
    name: rule.name,
    isFor: membership(rule),
    brokenIn: ruleBy(rule),
  }));
  return (prompt, caller) => {
    const own = compiled.filter(({ isFor }) => isFor(caller));
    if (own.length === 0) return undefined;
    let read: string[] | undefined;
    const texts = () => {
      read ??= prompt.body ? textsOf(prompt.body) : [];
      return read;
    };
    for (const { name, brokenIn } of own) {
      const what = brokenIn(prompt, texts);
      if (what) return { name, what };
    }
    return undefined;
  };
}

function ruleBy(rule: Rule) {
  const mayAsk = rule.endpoints.length > 0 ? anyGlob(rule.endpoints) : () => true;
  const denied = rule.deny.map(compile);
  const required = rule.require.map(compile);
  const looksAtTexts =
    denied.length + required.length + rule.scripts.length + rule.max_prompt_chars > 0;
  return (prompt: Prompt, texts: () => string[]): Broken | undefined => {
    // What we answer ourselves is nobody's prompt.
    if (prompt.endpoint === "models" || prompt.endpoint === "usage") return undefined;
    if (!mayAsk(prompt.endpoint)) return "endpoint";
    if (!looksAtTexts || !prompt.body) return undefined;
    const read = texts();
    if (isTooLong(read, rule.max_prompt_chars)) return "length";
    if (!isIn(rule.scripts, read)) return "script";
    if (denied.some((pattern) => read.some((text) => pattern.matcher(text).find()))) return "deny";
    const isMissing = required.some(
      (pattern) => !read.some((text) => pattern.matcher(text).find()),
    );
    return isMissing ? "require" : undefined;
  };
}

function isTooLong(texts: readonly string[], most: number): boolean {
  return most > 0 && texts.reduce((sum, text) => sum + text.length, 0) > most;
}

// What is no prompt, whatever it says.
const notRead = new Set(["model", "user", "metadata", "response_format", "stream_options"]);

function textsOf(body: RequestBody): string[] {
  const texts: string[] = [];
  for (const { field, text, start, end } of body.spellings()) {
    if (notRead.has(field)) continue;
    changesIn(text, start, end, (one, name) => {
      // Names of the format, such as roles and types, are short words of no prompt.
      if (name !== "" && !formatNames.has(name) && !isBytes(one, name)) texts.push(one);
      return [];
    });
  }
  return texts;
}

const formatNames = new Set(
  "role type id tool_call_id tool_use_id call_id name format detail".split(" "),
);

type Script = (typeof scripts)[number];
const leastShare = 0.2;

function isIn(allowed: readonly Script[], texts: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  const letters: Partial<Record<Script, number>> = {};
  let all = 0;
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) {
      const script = scriptOf(text.charCodeAt(at));
      if (!script) continue;
      letters[script] = (letters[script] ?? 0) + 1;
      all++;
    }
  }
  return Object.entries(letters).every(
    ([script, count]) => count < all * leastShare || allowed.includes(script as Script),
  );
}

/** Of a letter; undefined for what is none. https://www.unicode.org/Public/UNIDATA/Blocks.txt */
function scriptOf(code: number): Script | undefined {
  if (code < 0x41) return undefined;
  if (code < 0x250) return isLatin(code) ? "latin" : undefined;
  if (code >= 0x400 && code < 0x530) return "cyrillic";
  if ((code >= 0xac00 && code <= 0xd7a3) || (code >= 0x1100 && code < 0x1200)) return "hangul";
  if (code >= 0x3131 && code < 0x3190) return "hangul";
  if (code >= 0x3040 && code < 0x3100) return "kana";
  if (code >= 0x3400 && code < 0xa000) return "han";
  const isOther = (code >= 0x370 && code < 0x2000) || (code >= 0xa4d0 && code < 0xabf0);
  return isOther ? "other" : undefined;
}

function isLatin(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0xc0 && code !== 0xd7 && code !== 0xf7);
}
