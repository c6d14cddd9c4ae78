// The role of an application's words: "developer" is known to OpenAI's models, "system" to all.

import { closeBracket, comma, openBrace } from "./json-text";
import { type Change, membersOf, skipSpace, valueEnd } from "./object-members";
import type { RequestBody, Spelling } from "./request-body";

const lists = ["messages", "input"];

/** Names the role "system" wherever it is "developer"; all else stays as the client spelt it. */
export function sayAsSystem(body: RequestBody): void {
  for (const list of lists) {
    const messages = body.get(list);
    if (!Array.isArray(messages) || !messages.some((one) => one?.role === "developer")) continue;
    const spelling = body.spellings().find(({ field }) => field === list)!;
    const changes = developersIn(spelling);
    if (changes.length > 0) body.respell(spelling, changes);
  }
}

function developersIn({ text, start, end }: Spelling): Change[] {
  const changes: Change[] = [];
  let at = skipSpace(text, start + 1);
  while (at < end && text.charCodeAt(at) !== closeBracket) {
    const behind = valueEnd(text, at) ?? end;
    if (text.charCodeAt(at) === openBrace) changes.push(...developerAt(text, at, behind));
    at = skipSpace(text, behind);
    if (text.charCodeAt(at) === comma) at = skipSpace(text, at + 1);
  }
  return changes;
}

function developerAt(text: string, start: number, end: number): Change[] {
  const members = membersOf(text.slice(start, end));
  const role = members instanceof Map ? members.get("role") : undefined;
  if (!role) return [];
  const place = { start: start + role.start, end: start + role.end };
  const isDeveloper = JSON.parse(text.slice(place.start, place.end)) === "developer";
  return isDeveloper ? [{ ...place, text: '"system"' }] : [];
}
