// Keys of the common kinds: those of APIs by the marks that their makers give them, tokens in JSON (JWT),
// and private keys in PEM.

import { dot, hyphen, isAlphanumeric, isInWord, isWord } from "./character";
import { codeIn, Text } from "./text";

/** By mark: the fewest characters that follow it. */
const marks = new Map<string, number>(
  Object.entries({
    // OpenAI, Anthropic and all who do as they do; this gateway's own
    "sk-": 20,
    kllm_: 38,
    "xai-": 20,
    "nvapi-": 20,
    "pplx-": 20,
    "glpat-": 20,
    "xoxb-": 20,
    "xoxp-": 20,
    "xoxa-": 20,
    "xoxs-": 20,
    "xapp-": 20,
    "pypi-": 40,
    ghp_: 30,
    gho_: 30,
    ghu_: 30,
    ghs_: 30,
    ghr_: 30,
    github_pat_: 30,
    sk_live_: 16,
    sk_test_: 16,
    rk_live_: 16,
    rk_test_: 16,
    pk_live_: 16,
    pk_test_: 16,
    whsec_: 20,
    hf_: 30,
    npm_: 30,
    gsk_: 30,
    r8_: 30,
    shpat_: 30,
    dop_v1_: 30,
    dckr_pat_: 20,
    lin_api_: 30,
    figd_: 30,
    sbp_: 30,
    glsa_: 30,
    tgp_v1_: 30,
    sntrys_: 30,
    rubygems_: 30,
    shpca_: 30,
    shpss_: 30,
    "tvly-": 20,
    "csk-": 20,
    "sq0atp-": 20,
    "sq0csp-": 20,
  }),
);
const longestMark = Math.max(...[...marks.keys()].map((mark) => mark.length));
// The two characters before the hyphen or underscore that ends a mark: most names have others there.
const endings = new Uint8Array(0x80 * 0x80);
for (const mark of marks.keys()) endings[endingOf(new Text(mark), mark.length - 1)] = 1;

function endingOf(text: Text, at: number): number {
  const [first, second] = [codeIn(text, at - 2), codeIn(text, at - 1)];
  return first < 0x80 && second < 0x80 ? first * 0x80 + second : 0;
}

export interface Key {
  start: number;
  end: number;
  isWhole: boolean;
  /** Nothing up to there is the mark of a key, where this one is none. */
  readTo: number;
}

/** The key whose mark ends with this hyphen or underscore. */
export function markedKey(text: Text, at: number): Key | undefined {
  if (endings[endingOf(text, at)] !== 1) return undefined;
  let start = at;
  while (at - start < longestMark && isInWord(text, start)) start--;
  const fewest = marks.get(text.slice(start, at + 1));
  if (fewest === undefined) return undefined;
  const end = keyEnd(text, at + 1);
  const length = end - at - 1;
  // Names of functions begin as those of Hugging Face, whose tokens have letters alone and no underscore.
  const isFace = text.has("hf_", start);
  const isName = isFace && text.slice(at + 1, end).includes("_");
  const isKey = hasDigit(text, at, end) || (isFace && length === 34);
  const isWhole = length >= fewest && isKey && !isName;
  return { start, end, isWhole, readTo: end };
}

function keyEnd(text: Text, from: number): number {
  let end = from;
  for (;;) {
    const code = codeIn(text, end);
    if (!isWord(code) && code !== hyphen) break;
    end++;
  }
  while (codeIn(text, end - 1) === hyphen) end--;
  return end;
}

// A name of several words is no key: sk-learn-contrib-and-so-on.
function hasDigit(text: Text, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = codeIn(text, at);
    if (code >= 0x30 && code <= 0x39) return true;
  }
  return false;
}

const capitalA = 0x41;
const capitalI = 0x49;
const smallZ = 0x7a;

const capitalG = 0x47;
const mail = /^SG\.[\w-]{16,32}\.[\w-]{32,64}(?![\w-])/;

/**
 * Keys that are told by their letters: of AWS (AKIA, ASIA), of Google (AIza) and of SendGrid (SG.).
 * @returns offsets
 */
export function letteredKey(text: Text, at: number) {
  if (codeIn(text, at + 1) === capitalG && codeIn(text, at + 2) === dot && !isInWord(text, at)) {
    const found = mail.exec(text.slice(at, at + 104))?.[0];
    return found === undefined ? undefined : { start: at, end: at + found.length };
  }
  const isGoogle = codeIn(text, at) === smallZ;
  if (codeIn(text, at - 1) !== (isGoogle ? capitalI : capitalA)) return undefined;
  const start = isGoogle ? at - 2 : at - 1;
  const mark = text.slice(start, start + 4);
  const length = mark === "AIza" ? 39 : mark === "AKIA" || mark === "ASIA" ? 20 : 0;
  if (length === 0 || isInWord(text, start)) return undefined;
  const end = keyEnd(text, start);
  const isKey = mark === "AIza" || /^[A-Z2-7]{20}$/.test(text.slice(start, end));
  return end - start === length && isKey && !signs(text, start) ? { start, end } : undefined;
}

// As in X-Amz-Credential=AKIA...%2F20240115: who has signed a URL. It is no secret, and without it nobody
// gets what the URL names.
const signers = ["Credential=", "AWSAccessKeyId="];

function signs(text: Text, start: number): boolean {
  return signers.some((signer) => text.has(signer, start - signer.length));
}

const fewestOfToken = 30;
const smallE = 0x65;
const smallY = 0x79;

/** A JWT whose J stands there: three parts of base64url, the first of which begins {" (RFC 7519). */
export function jsonToken(text: Text, at: number) {
  const start = at - 2;
  if (codeIn(text, at - 1) !== smallY || codeIn(text, start) !== smallE) return undefined;
  if (isInWord(text, start)) return undefined;
  let end = at;
  let parts = 0;
  for (; parts < 3; end++) {
    const before = end;
    end = tokenPart(text, end);
    if (end > before) parts++;
    if (codeIn(text, end) !== dot || end === before) break;
  }
  const isWhole = parts === 3 && end - start >= fewestOfToken;
  return { start, end, isWhole, readTo: parts === 0 ? at : end };
}

function tokenPart(text: Text, from: number): number {
  let end = from;
  for (;;) {
    const code = codeIn(text, end);
    if (!isAlphanumeric(code) && code !== hyphen && code !== 0x5f) return end;
    end++;
  }
}

const begin = "-----BEGIN ";
const capitalB = 0x42;
// Of RSA with 8192 bits; what is longer is cut off there.
const longestKey = 8192;

/** A private key in PEM whose first hyphen stands there (RFC 7468, section 10). @returns offsets */
export function privateKey(text: Text, start: number) {
  if (codeIn(text, start + 5) !== capitalB || !text.has(begin, start)) return undefined;
  const head = text.slice(start + begin.length, start + begin.length + 40);
  const name = /^((?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)-----/.exec(head)?.[1];
  if (name === undefined) return undefined;
  const foot = `-----END ${name}-----`;
  const within = text.slice(start, start + longestKey);
  const last = within.indexOf(foot);
  return { start, end: start + (last < 0 ? within.length : last + foot.length) };
}
