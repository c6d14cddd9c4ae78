// What an operator lets requests hold beside personal data: endpoints, lengths, scripts, and patterns that
// no text may hold or one must. The first rule that a request breaks refuses it, by its name.

import type { RE2JS } from "re2js";
import { anyGlob } from "../../models/glob";
import type { RequestBody } from "../../openai/request-body";
import { hasOdd, plainOf } from "../../personal-data/plain";
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

interface Prompt {
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
    if (denied.length > 0 && read.some((text) => isDenied(denied, text))) return "deny";
    const isMissing = required.some(
      (pattern) => !read.some((text) => pattern.matcher(text).find()),
    );
    return isMissing ? "require" : undefined;
  };
}

/** As the text is, or as its reader sees it: letters of another width, or put together of parts. */
function isDenied(denied: readonly RE2JS[], text: string): boolean {
  const holds = (one: string) => denied.some((pattern) => pattern.matcher(one).find());
  if (holds(text)) return true;
  const plain = (hasOdd(text) ? plainOf(text).text : text).normalize("NFKC");
  return plain !== text && holds(plain);
}

function isTooLong(texts: readonly string[], most: number): boolean {
  if (most === 0 || texts.reduce((sum, text) => sum + text.length, 0) <= most) return false;
  return texts.reduce((sum, text) => sum + charactersOf(text), 0) > most;
}

/** What is two UTF-16 units is one character. */
function charactersOf(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0xdc00 || code > 0xdfff) count++;
  }
  return count;
}

// What is no prompt, whatever it says.
const notRead = new Set(["model", "user", "metadata", "stream_options"]);

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
  if ((code >= 0xac00 && code < 0xd800) || (code >= 0x1100 && code < 0x1200)) return "hangul";
  if ((code >= 0x3131 && code < 0x3190) || (code >= 0xa960 && code < 0xa980)) return "hangul";
  if ((code >= 0x3040 && code < 0x3100) || (code >= 0xff66 && code < 0xffa0)) return "kana";
  if ((code >= 0x3400 && code < 0xa000) || (code >= 0xf900 && code < 0xfb00)) return "han";
  // Of other widths, and of Vietnamese.
  if (code >= 0xff21 && code < 0xff5b) return isLatin(code - 0xfee0) ? "latin" : undefined;
  if ((code >= 0x1e00 && code < 0x1f00) || (code >= 0xa720 && code < 0xa800)) return "latin";
  const isOther = (code >= 0x370 && code < 0x2000) || (code >= 0xa4d0 && code < 0xabf0);
  return isOther ? "other" : undefined;
}

function isLatin(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0xc0 && code !== 0xd7 && code !== 0xf7);
}
