// The usage in a piece of an answer of which the beginning is missing: it is no JSON, and only its end says
// what it took.

import { jsonObjectIn } from "./stream";
import { type Statement, statementFrom, withTier } from "./usage-statement";

export const mark = '"usage"';

// A usage object is shorter than this even when it is indented, and nests once.
const mostChars = 2048;
const mostBraces = 8;

/**
 * In the text of an answer the quotes are escaped, so a prompt cannot forge a usage here.
 * @param isEvent it is the end of a stream, of which one event holds the answer
 */
export function lastUsageIn(text: string, isEvent = false): Statement | undefined {
  for (let at = text.lastIndexOf(mark); at >= 0; ) {
    const value = /^\s*:\s*(?=\{)/.exec(text.slice(at + mark.length, at + mark.length + 64));
    if (value && text[at - 1] !== "\\") {
      const start = at + mark.length + value[0].length;
      const found = objectAt(text.slice(start, start + mostChars));
      const statement = found && statementFrom(found.value);
      if (statement) {
        const tier = tierBehind(text.slice(start + found.length)) ?? ownTier(text, isEvent);
        return withTier(statement, tier ?? {});
      }
    }
    at = at === 0 ? -1 : text.lastIndexOf(mark, at - 1);
  }
  return undefined;
}

function tierBehind(text: string): Record<string, unknown> | undefined {
  const found = /^\s*,\s*"service_tier"\s*:\s*"(\w{1,40})"/.exec(text.slice(0, 200));
  return found ? { service_tier: found[1] } : undefined;
}

const tierMark = '"service_tier"';
const mostTries = 8;

// Responses name it before their tools. A client may have written one into a tool's schema, which answers
// repeat: what begins with a member and runs to the end of the answer is a whole object only if that
// member is the answer's own.
function ownTier(text: string, isEvent: boolean): Record<string, unknown> | undefined {
  const answer = isEvent ? text.trimEnd().slice(0, -1) : text;
  let at = answer.lastIndexOf(tierMark);
  for (let tries = 0; at >= 0 && tries < mostTries; tries++) {
    const members = jsonObjectIn(`{${answer.slice(at)}`);
    if (members) return members;
    at = at === 0 ? -1 : answer.lastIndexOf(tierMark, at - 1);
  }
  return undefined;
}

/** The JSON object that a text begins with: it ends at one of its first closing braces. */
function objectAt(text: string): { value: unknown; length: number } | undefined {
  let end = text.indexOf("}");
  for (let tries = 0; end >= 0 && tries < mostBraces; tries++) {
    try {
      return { value: JSON.parse(text.slice(0, end + 1)), length: end + 1 };
    } catch {
      end = text.indexOf("}", end + 1);
    }
  }
  return undefined;
}
