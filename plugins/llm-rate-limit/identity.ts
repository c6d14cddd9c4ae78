// Who is limited. Only what Kong has found out counts (the consumer that it authenticated, the
// address by its trusted_ips, the route that it matched): never what a client writes in a header.

import type { Consumer, Exchange } from "../../kong/exchange";
import type { RateLimitOptions } from "./schema";

export interface Identity {
  /** For the message to the client. */
  kind: "consumer" | "client address" | "route" | "service";
  /** Names it among all identities, without braces, colons in names, or spaces. */
  key: string;
}

export function identify(
  { request, consumer }: Pick<Exchange, "request" | "consumer">,
  limitBy: RateLimitOptions["limit_by"],
): Identity {
  if (limitBy === "consumer" && consumer) return { kind: "consumer", key: consumerKey(consumer) };
  if (limitBy === "route" && request.route) return identity("route", "route", request.route);
  if (limitBy === "service" && request.service) {
    return identity("service", "service", request.service);
  }
  return identity("client address", "ip", request.client_ip);
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
