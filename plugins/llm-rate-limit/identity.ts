// Who is limited. What Kong has found out counts (the consumer and credential that it authenticated,
// the address by its trusted_ips, the route that it matched); what a client writes into a header only
// where the operator has named that header.

import { createHash } from "node:crypto";
import type { Needs } from "../../stages/decision";
import type { Consumer, Exchange } from "../../stages/exchange";
import type { RateLimitOptions } from "./schema";

export interface Identity {
  /** For the message to the client. */
  kind: IdentityKind;
  /** Names it among all identities, without braces, colons in names, or spaces. */
  key: string;
}

/** Of whom several consumers are a part: what is left of their limits tells what others have spent. */
export function isShared(kind: IdentityKind): boolean {
  return kind === "everybody" || kind === "team" || kind === "model" || kind === "provider";
}

export type IdentityKind =
  | "consumer"
  | "credential"
  | "client address"
  | "header"
  | "route"
  | "service"
  // Of levels:
  | "everybody"
  | "team"
  | "end user"
  | "model"
  | "provider";

type IdentityOptions = Pick<RateLimitOptions, "limit_by" | "header_name">;

/** What the adapter must ask Kong for, beside what is gathered anyway. */
export function identityNeeds(
  options: IdentityOptions & Pick<RateLimitOptions, "levels" | "end_user_header">,
): Needs {
  const { limit_by, header_name, levels, end_user_header } = options;
  const levelled = (kind: string) => levels.some(({ by }) => by === kind);
  const named = [
    limit_by === "header" ? header_name : "",
    levelled("end_user") ? end_user_header : "",
  ];
  return {
    headers: named.filter((name) => name !== "").map((name) => name.toLowerCase()),
    credential: limit_by === "credential" || levelled("credential"),
  };
}

export function identify(
  { request, consumer }: Pick<Exchange, "request" | "consumer">,
  { limit_by, header_name }: IdentityOptions,
): Identity {
  const { credential, route, service, client_ip } = request;
  const header = request.headers?.[header_name.toLowerCase()];
  if (limit_by === "consumer" && consumer) return { kind: "consumer", key: consumerKey(consumer) };
  if (limit_by === "credential" && credential)
    return identity("credential", "credential", credential);
  if (limit_by === "header" && header) {
    return identity("header", `header:${header_name.toLowerCase()}`, digest(header));
  }
  if (limit_by === "route" && route) return identity("route", "route", route);
  if (limit_by === "service" && service) return identity("service", "service", service);
  return identity("client address", "ip", client_ip);
}

/** What `kong-llm limits` can look for: whatever has limits. */
export const identityLabels = [
  ...["consumer", "credential", "ip", "header", "route", "service"],
  ...["everybody", "team", "end_user", "model", "provider"],
] as const;

/** The keys that a name may stand under: a consumer's is its username, custom_id or id. */
export function identityKeys(limitBy: string, name: string, header: string): string[] {
  if (limitBy === "header") return [`header:${header.toLowerCase()}:${digest(name)}`];
  if (limitBy === "everybody") return ["everybody"];
  if (limitBy === "end_user") return [`end_user:${digest(name)}`];
  const labels = limitBy === "consumer" ? ["consumer", "custom_id", "consumer_id"] : [limitBy];
  return labels.map((label) => `${label}:${encodeURIComponent(name)}`);
}

/** A header may hold a secret, and be long: only its digest is kept. */
export function digest(value: string): string {
  return createHash("sha256").update(value).digest("base64url").slice(0, 22);
}

// The username comes first: it survives a consumer that is deleted and created again, and is what
// an operator knows.
export function consumerKey({ id, username, custom_id }: Consumer): string {
  if (username) return `consumer:${encodeURIComponent(username)}`;
  if (custom_id) return `custom_id:${encodeURIComponent(custom_id)}`;
  return `consumer_id:${encodeURIComponent(id)}`;
}

export function identity(kind: IdentityKind, label: string, name: string): Identity {
  return { kind, key: `${label}:${encodeURIComponent(name)}` };
}
