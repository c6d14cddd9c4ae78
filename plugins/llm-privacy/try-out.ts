// What would become of one request under some options, for who wants to see it before it happens: nothing
// is counted, answered or sent.

import { RequestBody } from "../../openai/request-body";
import type { Consumer } from "../../stages/exchange";
import { changesIn } from "./json-texts";
import { maskBody, noFindings } from "./mask";
import { leavesSight, namesBy, Placeholders, pseudonym } from "./placeholders";
import { type BrokenRule, promptRules } from "./prompt-rules";
import { recogniseFor } from "./recognise";
import type { Action, PrivacyOptions } from "./schema";
import { isBytes } from "./unread";

interface TriedFinding {
  recogniser: string;
  action: Action;
  /** The member of the request that it stands in, and what it is. */
  member: string;
  value: string;
}

export interface Tried {
  findings: TriedFinding[];
  /** The body as it would go upstream, where nothing refuses it. */
  masked: string;
  brokenRule?: BrokenRule;
  hasUnread: boolean;
}

/** @returns why it is no body, where it is none */
export function tryOut(
  options: PrivacyOptions,
  text: string,
  endpoint: string,
  caller?: Consumer,
): Tried | { problem: string } {
  const body = RequestBody.parse(text);
  if ("problem" in body) return body;
  const recognise = recogniseFor(options)(caller);
  const found: TriedFinding[] = [];
  for (const { field, text: spelt, start, end } of body.spellings()) {
    changesIn(spelt, start, end, (one, name) => {
      if (isBytes(one, name)) return [];
      for (const { kind, action, ...at } of recognise(one, name)) {
        const value = one.slice(at.start, at.end);
        found.push({ recogniser: kind, action, member: field, value });
      }
      return [];
    });
  }
  const brokenRule = promptRules(options.prompt_rules)({ endpoint, body }, caller);
  const findings = noFindings();
  const secret = options.identifier_key || "try";
  const nameBy = leavesSight(endpoint, body) ? namesBy(secret, "") : undefined;
  const masking = {
    recognise,
    placeholders: new Placeholders(text, nameBy),
    pseudonym: (value: string) => pseudonym(secret, "", value),
    isDryRun: options.dry_run,
  };
  maskBody(body, masking, findings);
  const { hasUnread } = findings;
  return { findings: found, masked: body.text, ...(brokenRule && { brokenRule }), hasUnread };
}
