// Whether a refusal is about the key that a request went out with, or about the request itself.

import { jsonObjectIn } from "./stream";
import { member } from "./usage-statement";

// 402: the account of this key has no credit left.
const aboutKey = [401, 402];

// Any client could let one key after the other rest by a request that is refused for what it asks.
const aboutRequest =
  /model|content|moderat|polic|safety|flagged|prompt|country|region|territory|unsupported/i;
const namesKey =
  /\b(?:keys?|credentials?|accounts?|billing|credits?|balance|quota|authenticat\w*|arrears?|overdue)\b|suspend|disabled|deactivated|revoked|expired|insufficient/i;
// What a server says that says nothing.
const saysNothing = /^\W*(?:\w+[ _])?(?:forbidden|denied|unauthorized|error)?\W*$/i;

/** @param body the answer of the upstream, or its end */
export function refusesKey(status: number, body: Buffer): boolean {
  if (status === 429) return !isAboutLoad(body);
  // Google's word for a key that is unknown; only its code, as messages repeat what clients send.
  if (status === 400) return body.includes('"API_KEY_INVALID"');
  if (status !== 403) return aboutKey.includes(status);
  const text = toldBy(body);
  if (/^\s*</.test(text) || aboutRequest.test(text)) return false;
  return namesKey.test(text) || saysNothing.test(text);
}

/**
 * Whether a 429 is for this request alone: it asks for more than the account ever gets at once, so
 * that waiting is of no use, and says nothing of its key or its model.
 */
export function asksTooMuch(status: number, body: Buffer): boolean {
  return status === 429 && /request too large|too large for/i.test(toldBy(body));
}

// The model has too much to do, for whatever key.
function isAboutLoad(body: Buffer): boolean {
  return /request too large|too large for|overloaded|engine is/i.test(toldBy(body));
}

/** What an error says, in the shapes of OpenAI, of Google (in a list) and of others; or all of it. */
function toldBy(body: Buffer): string {
  const text = body.toString("utf8", 0, 4096);
  const answer = jsonObjectIn(body.toString("utf8").replace(/^\s*\[(.*)\]\s*$/s, "$1"));
  if (!answer) return text;
  const error = answer.error ?? answer;
  if (typeof error === "string") return error;
  const told = ["code", "type", "status", "message", "detail"].map((name) => member(error, name));
  return told.filter((one) => typeof one === "string").join(" ");
}
