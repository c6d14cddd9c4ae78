// The usage in a piece of an answer of which the beginning is missing: it is no JSON, and only its end says
// what it took.

import { type Statement, statementFrom, withTier } from "./usage-statement";

export const mark = '"usage"';

// A usage object is shorter than this even when it is indented, and nests once.
const mostChars = 2048;
const mostBraces = 8;

// In the text of an answer the quotes are escaped, so a prompt cannot forge a usage here.
export function lastUsageIn(text: string): Statement | undefined {
  for (let at = text.lastIndexOf(mark); at >= 0; ) {
    const value = /^\s*:\s*(?=\{)/.exec(text.slice(at + mark.length, at + mark.length + 64));
    if (value && text[at - 1] !== "\\") {
      const start = at + mark.length + value[0].length;
      const found = objectAt(text.slice(start, start + mostChars));
      const statement = found && statementFrom(found.value);
      if (statement) return withTier(statement, tierBehind(text.slice(start + found.length)));
    }
    at = at === 0 ? -1 : text.lastIndexOf(mark, at - 1);
  }
  return undefined;
}

// A tier further away may be one that a client wrote into a tool's schema, which answers repeat.
function tierBehind(text: string): Record<string, unknown> {
  const found = /^\s*,\s*"service_tier"\s*:\s*"(\w{1,40})"/.exec(text.slice(0, 200));
  return found ? { service_tier: found[1] } : {};
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
