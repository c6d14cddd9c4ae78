// What becomes of a request to an endpoint that nobody here reads: it does not pass, unless an operator
// has opened it by name, knowing that the upstream's account is everybody's there.

import { type Answer, type Exchange, refuse } from "../../stages/exchange";

/** Why it goes no further; undefined for what is opened, which gets its glob as the label. */
export function refuseUnlessOpened(
  { request, ticket }: Exchange,
  openedBy: (path: string) => string | undefined,
): Answer | undefined {
  if (request.method === "OPTIONS") return notForBrowsers;
  const opened = openedBy(request.path);
  if (opened === undefined) return unknownEndpoint(request.method, request.path);
  ticket.endpoint = opened;
  return undefined;
}

/** A browser's preflight, and no plugin before this one has answered it. */
const notForBrowsers = refuse(404, {
  message:
    "Pages in a browser may not ask here: let the operator add Kong's cors plugin with the page's origin.",
  type: "invalid_request_error",
  code: "unknown_endpoint",
});

/** The endpoint is not one that is read here, and `other_endpoints` does not name it. */
function unknownEndpoint(method: string, path: string): Answer {
  const asked = `${method} ${path}`.slice(0, 200);
  // Of a client of Anthropic's, whose base_url has no /v1, that would be the next mistake.
  const advice = /\/v\d/.test(path) ? "" : "let base_url end in /v1, or ";
  const message = `${asked} is no endpoint of this gateway: ${advice}ask the operator to open it by other_endpoints.`;
  return refuse(404, { message, type: "invalid_request_error", code: "unknown_endpoint" });
}
