// Answers that Kong makes itself. Texts of kong/pdk/response.lua, shapes of kong/tools/http.lua 3.9;
// of its shapes the stand-in knows JSON and plain text.

import type { KongRequest } from "./kong-request";

const messages: Record<number, string> = {
  400: "Bad request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  413: "Payload too large",
  414: "URI too long",
  429: "Too many requests",
  500: "An unexpected error occurred",
  502: "An invalid response was received from the upstream server",
  503: "The upstream server is currently unavailable",
  504: "The upstream server is timing out",
};

interface ErrorAnswer {
  body: string;
  headers: { "Content-Type": string };
}

/** kong.response.error: the shape follows Accept. */
export function errorAnswer(request: KongRequest, status: number, message?: string): ErrorAnswer {
  const said = message ?? messageOf(status);
  return answer(request, said, isPlain(request.headers.joined("accept")));
}

/** What nginx's error page says when the upstream failed: text where the client names no type. */
export function unexpectedAnswer(request: KongRequest, status: number): ErrorAnswer {
  const accepted = request.headers.joined("accept") ?? request.headers.get("content-type");
  return answer(request, messageOf(status), isPlain(accepted ?? "text/plain"));
}

function messageOf(status: number): string {
  return messages[status] ?? `The upstream server responded with ${status}`;
}

function answer(request: KongRequest, message: string, plain: boolean): ErrorAnswer {
  if (plain) {
    return {
      body: `${message}\nrequest_id: ${request.id}\n`,
      headers: { "Content-Type": "text/plain; charset=utf-8" },
    };
  }
  return {
    body: `{\n  "message":"${message}",\n  "request_id":"${request.id}"\n}`,
    headers: { "Content-Type": "application/json; charset=utf-8" },
  };
}

// The type of the highest quality wins, and what is not known counts as JSON.
function isPlain(accepted: string | undefined): boolean {
  let best = { quality: 0, plain: false };
  for (const part of (accepted ?? "").split(",")) {
    const [type = "", ...parameters] = part.split(";").map((one) => one.trim().toLowerCase());
    const quality = parameters.find((one) => one.startsWith("q="))?.slice(2);
    const weight = quality === undefined ? 1 : Number(quality);
    if (!type.includes("/") || !(weight > best.quality)) continue;
    best = { quality: weight, plain: type === "text/plain" || type === "text/*" };
  }
  return best.plain;
}
