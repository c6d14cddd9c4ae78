// What single characters are, by their UTF-16 code: asked for once for each character of a long text, so
// they are looked up and not compared.

const charCodeAt = String.prototype.charCodeAt;

/**
 * The UTF-16 code there; NaN behind the end and before the beginning. As a call of a kept function:
 * ioredis has a subclass of String, after which V8 looks the method up at every call.
 */
export function codeIn(text: string, at: number): number {
  return charCodeAt.call(text, at);
}

export const hyphen = 0x2d;
export const dot = 0x2e;
export const space = 0x20;
export const open = 0x28;
export const close = 0x29;
export const plus = 0x2b;
export const colon = 0x3a;
export const at = 0x40;
export const underscore = 0x5f;

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isUpper(code: number): boolean {
  return code >= 0x41 && code <= 0x5a;
}

/** An ASCII letter or digit. NaN, behind the end of a text, is none. */
export function isAlphanumeric(code: number): boolean {
  return isDigit(code) || isUpper(code) || (code >= 0x61 && code <= 0x7a);
}

/** A character of a name as programs spell it: what stands in one is no number of its own. */
export function isWord(code: number): boolean {
  return isAlphanumeric(code) || code === underscore;
}

export function isHex(code: number): boolean {
  return isDigit(code) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
}

export function isHangul(code: number): boolean {
  return code >= 0xac00 && code <= 0xd7a3;
}
