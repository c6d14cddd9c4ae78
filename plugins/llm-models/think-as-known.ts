// How a request says that a Claude shall think, for one that serves in the place of another: Claude Code
// and others say by the name that they ask for how to think, and how hard.

import { knowsEffort, thinkingFormOf } from "../../models/claude-thinking";
import type { RequestBody } from "../../openai/request-body";

type Body = Pick<RequestBody, "get" | "set" | "remove">;

/** @param name a Claude's, without its maker */
export function thinkAsKnown(body: Body, name: string): void {
  const given = membersOf(body.get("thinking"));
  const form = thinkingFormOf(name);
  if (form === "adaptive" && given.type === "enabled") {
    const { budget_tokens: _, ...others } = given;
    body.set("thinking", { ...others, type: "adaptive" });
  }
  if (form === "budget" && given.type === "adaptive") {
    body.remove("thinking");
    // Thoughts are cleared of requests alone that think.
    const { edits, ...others } = membersOf(body.get("context_management"));
    const kept = Array.isArray(edits) ? edits.filter((edit) => !clearsThoughts(edit)) : edits;
    if (kept !== edits) replace(body, "context_management", { ...others, edits: kept });
  }
  const { effort, ...others } = membersOf(body.get("output_config"));
  if (effort !== undefined && !knowsEffort(name)) replace(body, "output_config", others);
}

function clearsThoughts(edit: unknown): boolean {
  return String(membersOf(edit).type).startsWith("clear_thinking");
}

/** An object that holds nothing more is left out. */
function replace(body: Body, member: string, value: Record<string, unknown>): void {
  const isEmpty = Object.values(value).every((one) => Array.isArray(one) && one.length === 0);
  if (isEmpty) body.remove(member);
  else body.set(member, value);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
