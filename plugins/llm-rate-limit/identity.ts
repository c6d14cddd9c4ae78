// Who is limited. What Kong has found out counts (the consumer and credential that it authenticated,
// the address by its trusted_ips, the route that it matched); what a client writes into a header only
// where the operator has named that header.

import { createHash } from "node:crypto";
import type { Needs } from "../../stages/decision";
import type { Consumer, Exchange } from "../../stages/exchange";
import type { RateLimitOptions } from "./schema";

export interface Identity {
  /** For the message to the client. */
  kind: "consumer" | "credential" | "client address" | "header" | "route" | "service";
  /** Names it among all identities, without braces, colons in names, or spaces. */
  key: string;
}

type IdentityOptions = Pick<RateLimitOptions, "limit_by" | "header_name">;

/** What the adapter must ask Kong for, beside what is gathered anyway. */
export function identityNeeds({ limit_by, header_name }: IdentityOptions): Needs {
  return {
    headers: limit_by === "header" ? [header_name.toLowerCase()] : [],
    credential: limit_by === "credential",
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

/** The keys that a name may stand under: a consumer's is its username, custom_id or id. */
export function identityKeys(
  limitBy: IdentityOptions["limit_by"],
  name: string,
  header: string,
): string[] {
  if (limitBy === "header") return [`header:${header.toLowerCase()}:${digest(name)}`];
  const labels = limitBy === "consumer" ? ["consumer", "custom_id", "consumer_id"] : [limitBy];
  return labels.map((label) => `${label}:${encodeURIComponent(name)}`);
}

/** A header may hold a secret, and be long: only its digest is kept. */
function digest(value: string): string {
  return createHash("sha256").update(value).digest("base64url").slice(0, 22);
}

// The username comes first: it survives a consumer that is deleted and created again, and is what
// an operator knows.
function consumerKey({ id, username, custom_id }: Consumer): string {
  if (username) return `consumer:${encodeURIComponent(username)}`;
  if (custom_id) return `custom_id:${encodeURIComponent(custom_id)}`;
  return `consumer_id:${encodeURIComponent(id)}`;
}

function identity(kind: Identity["kind"], label: string, name: string): Identity {
  return { kind, key: `${label}:${encodeURIComponent(name)}` };
}
