// What the sections of a driver's frames say: of a config, of a request and of what was decided about it
// before. Nothing of it is trusted.

import { z } from "zod";
import type { Decision, Question } from "../stages/decision";
import { RpcError } from "./instances";

const aboutConfig = z.object({
  id: z.string().min(1).max(200),
  plugin: z.string().max(100),
  version: z.string().max(100),
  next_upstream: z.string().max(1000).optional(),
});

/** What is told of a config beside it. Throws a ZodError, or an RpcError where it is no JSON. */
export function aboutConfigIn(section: Buffer | undefined): z.output<typeof aboutConfig> {
  return aboutConfig.parse(jsonIn(section));
}

export interface Asked extends Pick<Question, "request" | "consumer"> {
  config: string;
  credential?: string;
  expires?: string;
  headers?: Record<string, string>;
  /** Milliseconds since the epoch, by the clock of this machine. */
  asked_at?: number;
}

// Checked by hand, as it is read for each request: what the stages rely on, and no more.
export function questionIn(about: Buffer | undefined, question: Buffer | undefined): Asked {
  const { id, asked_at } = (jsonIn(about) ?? {}) as { id?: unknown; asked_at?: number };
  const asked = jsonIn(question) as Partial<Asked> | null;
  const request = asked?.request;
  const whole =
    typeof asked?.config === "string" &&
    typeof id === "string" &&
    typeof request?.method === "string" &&
    typeof request.path === "string" &&
    typeof request.client_ip === "string";
  if (!whole) throw new RpcError("a question without config, id, method, path or client address");
  request.id = id;
  return Object.assign(asked, { asked_at }) as Asked;
}

export function decisionIn(
  head: Buffer | undefined,
  ticket: Buffer | undefined,
): Decision | undefined {
  if (!head || head.length === 0 || !ticket) return undefined;
  const decision = jsonIn(head) as Omit<Decision, "ticket">;
  // The body that came with the question has all edits in it.
  return { ...decision, edits: [], ticket: ticket.toString() };
}

function jsonIn(bytes: Buffer | undefined): unknown {
  try {
    return JSON.parse(bytes?.toString() ?? "");
  } catch {
    throw new RpcError("a section of the question is no JSON");
  }
}
