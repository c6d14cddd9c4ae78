// The keys that `kong-llm keys` makes: a prefix by which scanners find one that leaked, and a check sum by
// which they know it from what only looks like one. Kong itself takes any text as a key.

import { randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

const prefix = "kllm_";
const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
// 32 letters of 62 are 190 bits.
const secretLength = 32;
// 62^6 is above 2^32.
const sumLength = 6;

/** For scanners: https://github.com/gitleaks/gitleaks and others take it as it is. */
export const keyPattern = `${prefix}[0-9A-Za-z]{${secretLength + sumLength}}`;

export function newKey(): string {
  const secret = Array.from({ length: secretLength }, () => letters[randomInt(letters.length)]);
  const text = secret.join("");
  return prefix + text + sumOf(text);
}

/** Whether a text is a key of ours, and not only looks like one. */
export function isOurKey(text: string): boolean {
  if (!new RegExp(`^${keyPattern}$`).test(text)) return false;
  const secret = text.slice(prefix.length, -sumLength);
  return text.endsWith(sumOf(secret));
}

function sumOf(text: string): string {
  let left = crc32(text);
  let spelt = "";
  for (let at = 0; at < sumLength; at++) {
    spelt = letters[left % letters.length] + spelt;
    left = Math.floor(left / letters.length);
  }
  return spelt;
}

const mark = "llm-expires-";

/** The tag of a credential that is good until then; lua/expiry.lua reads it. */
export function expiryTag(until: Date): string {
  return mark + inSeconds(until);
}

/** Whether it is over what a tag says; times of one form have the order of their letters. */
export function isOver(expires: string, now = new Date()): boolean {
  return expires <= inSeconds(now);
}

function inSeconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, "Z");
}

/** Until when a credential with these tags is good; undefined where none says. */
export function expiryIn(tags: readonly string[] = []): string | undefined {
  return tags.find((tag) => tag.startsWith(mark))?.slice(mark.length);
}

/** The tags with that end in place of the one they say. */
export function withExpiry(tags: readonly string[], until: Date): string[] {
  return [...tags.filter((tag) => !tag.startsWith(mark)), expiryTag(until)];
}
