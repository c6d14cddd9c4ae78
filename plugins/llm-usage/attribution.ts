// In whose name a request is made, beside its consumer: the team, the end user, the provider and what the
// client says that it is for. Bounded, as clients can write what they like.

import { createHash } from "node:crypto";
import { z } from "zod";
import type { Needs } from "../../stages/decision";
import type { Exchange } from "../../stages/exchange";
import { type ClientTrace, isTelling, traceHeaders } from "../../telemetry/ended";
import type { UsageOptions } from "./schema";

const mostChars = 100;
const text = z.string().max(mostChars);

/** What of it must be known again when the request has ended; in its ticket. */
export const attribution = z.object({
  team: text.optional(),
  end_user: text.optional(),
  provider: text.optional(),
  tags: z.record(text, text).optional(),
});

export type Attribution = z.output<typeof attribution>;

export type Attribute = (exchange: Exchange) => Attribution;

/** Undefined where the options ask for none. */
export function attributeBy({ tags, ledger }: UsageOptions): Attribute | undefined {
  const isKept = ledger.policy !== "none";
  if (!isKept && tags.length === 0) return undefined;
  const asks = (member: LedgerMember) => isKept && ledger.by.includes(member);
  const [team, endUser, provider] = [asks("team"), asks("end_user"), asks("provider")];
  return (exchange) => ({
    ...(team && teamOf(exchange, ledger.team_tag_prefix)),
    ...(endUser && endUserOf(exchange, ledger.end_user_header.toLowerCase())),
    ...(provider && providerOf(exchange)),
    ...(tags.length > 0 && { tags: tagsOf(exchange, tags) }),
  });
}

type LedgerMember = UsageOptions["ledger"]["by"][number];

/** What the adapter must ask Kong for, beside what is gathered anyway. */
export function attributionNeeds({ tags, ledger }: UsageOptions): Needs {
  const isKept = ledger.policy !== "none" && ledger.by.includes("end_user");
  const names = [...tags.map(({ header }) => header), isKept ? ledger.end_user_header : ""];
  const named = names.filter((name) => name !== "").map((name) => name.toLowerCase());
  const traced = isTelling() ? traceHeaders : [];
  return { headers: [...new Set([...named, ...traced])], credential: false };
}

// Beyond these a tracestate may be cut (W3C Trace Context, section 3.3.1.5), and a traceparent is none.
const mostParentChars = 100;
const mostStateChars = 512;

/** The trace that a request belongs to and whom it is for; in its ticket while telemetry is on. */
export const traced = z.object({
  parent: z.string().max(mostParentChars).optional(),
  state: z.string().max(mostStateChars).optional(),
  service: text.optional(),
});

export function traceOf({ request }: Exchange): ClientTrace & { service?: string } {
  const { traceparent, tracestate } = request.headers ?? {};
  return {
    ...(isShort(traceparent, mostParentChars) && { parent: traceparent }),
    ...(isShort(tracestate, mostStateChars) && { state: tracestate }),
    ...(request.service !== undefined && { service: request.service.slice(0, mostChars) }),
  };
}

function isShort(value: unknown, chars: number): boolean {
  return typeof value === "string" && value.length <= chars;
}

function teamOf({ consumer }: Exchange, prefix: string): Attribution {
  const team = consumer?.tags?.find((tag) => tag.startsWith(prefix));
  return team === undefined ? {} : { team: team.slice(0, mostChars) };
}

// May be a person's name or address: only the digest is kept, that of the limits of end users, so that
// both are found under the same name.
function endUserOf({ request, body }: Exchange, header: string): Attribution {
  const said = [
    header === "" ? undefined : request.headers?.[header],
    body?.get("safety_identifier"),
    body?.get("user"),
    memberAt(body, "metadata.user_id"),
  ];
  const name = said.find((one): one is string => typeof one === "string" && one !== "");
  if (name === undefined) return {};
  return { end_user: createHash("sha256").update(name).digest("base64url").slice(0, 22) };
}

function providerOf({ request: { service, route } }: Exchange): Attribution {
  const provider = service ?? route;
  return provider === undefined ? {} : { provider: provider.slice(0, mostChars) };
}

function tagsOf({ request, body }: Exchange, tags: UsageOptions["tags"]): Record<string, string> {
  const said: Record<string, string> = {};
  for (const { name, header, member } of tags) {
    const value =
      (header && request.headers?.[header.toLowerCase()]) || (member && memberAt(body, member));
    const text = textOf(value);
    if (text !== "") said[name] = text;
  }
  return said;
}

/** Numbers and booleans count as what they are written as; all else says nothing. */
function textOf(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    return "";
  }
  return (
    `${value}`
      .replace(/\p{Cc}+/gu, " ")
      .trim()
      .slice(0, mostChars)
      // Half a character, which no database takes.
      .replace(/\p{Cs}/gu, "")
  );
}

function memberAt(body: Exchange["body"], path: string): unknown {
  const [first = "", second] = path.split(".");
  const value = body?.get(first);
  if (second === undefined) return value;
  const isRecord = typeof value === "object" && value !== null;
  return isRecord && Object.hasOwn(value, second)
    ? (value as Record<string, unknown>)[second]
    : undefined;
}
