// Whether a refusal is about the key that a request went out with, or about the request itself.

import { jsonObjectIn } from "./stream";
import { member } from "./usage-statement";

// 402: the account of this key has no credit left.
const aboutKey = [401, 402];

// Any client could let one key after the other rest by a request that is refused for what it asks.
const aboutRequest =
  /model|content|moderat|polic|safety|flagged|prompt|country|region|territory|unsupported|模型|内容|敏感|地区|모델|콘텐츠|지역/i;
const namesKey =
  /\b(?:keys?|credentials?|accounts?|billing|credits?|balance|authenticat\w*|arrears?|overdue)\b|quota|suspend|disabled|deactivated|revoked|expired|insufficient|authorization failed|额度|余额|欠费|令牌|密钥|账户|账号|封禁|잔액|크레딧|한도|계정|인증/i;
// What a server says that says nothing.
const saysNothing =
  /^[^\p{L}\p{N}_]*(?:[\p{L}\p{N}_]+[ _])?(?:forbidden|denied|unauthorized|error)?[^\p{L}\p{N}_]*$/iu;
// Fireworks' status for an account that is suspended.
const preconditionFailed = 412;

/** @param body the answer of the upstream, or its end */
export function refusesKey(status: number, body: Buffer): boolean {
  if (status === 429) return !isAboutLoad(body);
  if (status === 400) return isUnpaid(body);
  if (status !== 403 && status !== preconditionFailed) return aboutKey.includes(status);
  if (hasCode(body)) return true;
  const text = toldBy(body);
  if (/^\s*</.test(text) || aboutRequest.test(text)) return false;
  return namesKey.test(text) || (status === 403 && saysNothing.test(text));
}

// Words for a key that is unknown, and for an account without credit or that is closed: Google; OpenAI;
// Alibaba; Groq; LiteLLM. Only as a code, as messages repeat what clients send.
const codes =
  /^(?:API_KEY_INVALID|billing_hard_limit_reached|billing_not_active|account_deactivated|insufficient_quota|Arrearage|organization_restricted|blocked_api_access|budget_exceeded|AllocationQuota\.\w+)$/;
// Who has no code for it says it in these words alone: Anthropic, xAI.
const sentences =
  /^(?:Your credit balance is too low to access the (?:Anthropic|Claude) API\. Please go to Plans & Billing to upgrade or purchase credits\.|You have reached your specified (?:workspace )?API usage limits\. You will regain access on [\d-]{10}(?: at [\d:]{5} UTC)?\.?|This organization has been disabled\.|Incorrect API key provided: [\w*-]{1,40}\. You can obtain an API key from https:\/\/console\.x\.ai\.)$/;

/** A 400, by which few say that the account cannot pay, or that the key is none of theirs. */
function isUnpaid(body: Buffer): boolean {
  if (hasCode(body) || body.includes('"API_KEY_INVALID"')) return true;
  const error = errorIn(body);
  return sentences.test(typeof error === "string" ? error : `${member(error, "message")}`);
}

/** As the code of an error, or as its type, beside which LiteLLM has the status as code. */
function hasCode(body: Buffer): boolean {
  const error = errorIn(body);
  return codes.test(`${member(error, "code")}`) || codes.test(`${member(error, "type")}`);
}

/**
 * Whether a 429 is for this request alone: it asks for more than the account ever gets at once, so
 * that waiting is of no use, and says nothing of its key or its model.
 */
export function asksTooMuch(status: number, body: Buffer): boolean {
  return status === 429 && /request too large|too large for/i.test(toldBy(body));
}

// The model has too much to do, for whatever key; new-api and Zhipu say so in Chinese.
function isAboutLoad(body: Buffer): boolean {
  return /request too large|too large for|overloaded|engine is|负载|访问量过大/i.test(toldBy(body));
}

/** What an error says, in the shapes of OpenAI, of Google (in a list) and of others; or all of it. */
export function toldBy(body: Buffer): string {
  const error = errorIn(body);
  if (error === undefined) return body.toString("utf8", 0, 4096);
  if (typeof error === "string") return error;
  const told = ["code", "type", "status", "message", "detail"].map((name) => member(error, name));
  return told.filter((one) => typeof one === "string").join(" ");
}

/** The error in an answer, or the answer itself; undefined for what is no JSON. */
export function errorIn(body: Buffer): unknown {
  const answer = jsonObjectIn(body.toString("utf8").replace(/^\s*\[(.*)\]\s*$/s, "$1"));
  return answer && (answer.error ?? answer);
}
