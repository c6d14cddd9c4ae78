// What llm-privacy answers instead of the upstream: it names what was recognised, or the rule, and never
// the text.

import { type Answer, refuse } from "../../stages/exchange";
import type { Broken, BrokenRule } from "./prompt-rules";

const type = "invalid_request_error";

/**
 * It holds what must not leave, or what cannot be masked where it stands.
 * @param kinds by what it was recognised
 */
export function personalData(kinds: readonly string[]): Answer {
  const message = `The request holds what this gateway lets nobody send on: ${kinds.join(", ")}. Take it out and send it again.`;
  return refuse(400, { message, type, code: "personal_data" });
}

/** More values than a request may have masked. */
export function tooMuch(most: number): Answer {
  const message = `The request holds more than ${most} different personal values; send it in parts.`;
  return refuse(400, { message, type, code: "too_much_personal_data" });
}

/** It carries what is not read, and the operator lets nothing pass unread. */
export const unreadable = refuse(400, {
  message:
    "The request carries pictures, sound, files or a part that this gateway does not read, and what is not read may not leave: send text alone.",
  type,
  code: "unread_content",
});

const how: Readonly<Record<Broken, string>> = {
  endpoint: "it asks an endpoint that the rule does not name",
  length: "its prompt is longer than the rule allows",
  script: "it is written in a script that the rule does not name",
  deny: "it holds what the rule denies",
  require: "it lacks what the rule requires",
};

/** A rule of `prompt_rules` refuses the request for what it holds or lacks. */
export function ruleBroken({ name, what }: BrokenRule): Answer {
  const message = `The rule ${name} of this gateway refuses the request: ${how[what]}.`;
  if (what !== "endpoint") return refuse(400, { message, type, code: "prompt_rule" });
  return refuse(403, { message, type: "permission_error", code: "prompt_rule" });
}

/** Nothing in Kong could put the values back. */
export const cannotRestore = refuse(503, {
  message:
    "The gateway cannot put masked values back without its Lua files in Kong: install them (kong-llm install), or set restore of llm-privacy to false.",
  type: "server_error",
  code: "gateway_unavailable",
});
