// Whether a refusal is about the key that a request went out with, or about the request itself.

import { jsonObjectIn } from "./stream";
import { member } from "./usage-statement";

// 402: the account of this key has no credit left.
const aboutKey = [401, 402, 429];

// A 403 that names the model, the content or the place of the caller says nothing of the key, and
// any client could let one key after the other rest by it.
const aboutRequest =
  /model|content|moderat|polic|safety|flagged|prompt|country|region|territory|unsupported/i;

/** @param body the answer of the upstream, or its end */
export function refusesKey(status: number, body: Buffer): boolean {
  if (status !== 403) return aboutKey.includes(status);
  const answer = jsonObjectIn(body.toString("utf8"));
  const error = answer?.error ?? answer;
  const told = ["code", "type", "message"].map((name) => member(error, name));
  const text =
    typeof error === "string" ? error : told.filter((one) => typeof one === "string").join(" ");
  return !aboutRequest.test(text);
}
