// What is answered where no stage has decided: the request cannot be read, nobody knows who asks, or
// the gateway itself failed. Each in the shape of the caller's API.

import type { Unreadable } from "../openai/compressed-request";
import { type Answer, refuse } from "./exchange";

/** The route's pre-function is missing: its operator's mistake, which does not pass. */
export const notGathered = refuse(
  503,
  {
    message:
      "This route has no gathered request: its operator must add the pre-function with gather.lua to its service.",
    type: "server_error",
    code: "gateway_misconfigured",
  },
  { "x-should-retry": "false" },
);

/** The plugin server stops, or has too much to do. */
export const unavailable = unavailableAs("The gateway cannot take this request now; try again.");

/** A guarding stage threw. */
export const stageFailed = failedAs("its log names the request id");

/** A plugin's handler threw, or took too long. */
export const handlerFailed = failedAs("its log says why");

/** No authentication plugin has given the request a consumer, and one is required. */
export const unauthenticated = refuse(401, {
  message:
    "No consumer is known for this request: send your API key as x-api-key or as a Bearer token.",
  type: "invalid_request_error",
  code: "invalid_api_key",
});

/** The key's credential has a tag that says until when it was good, and that is over. */
export const expired = refuse(401, {
  message: "This API key has expired: ask whoever runs the gateway for a new one.",
  type: "invalid_request_error",
  code: "expired_api_key",
});

/** The path is one that some server might take for an endpoint that it does not spell. */
export const misspelt = refuse(404, {
  message:
    "The path is not spelt as an endpoint is: no escapes, capitals, parameters, dots or doubled slashes, nothing twice; with an OpenAI SDK let base_url end in /v1, with Anthropic's before it.",
  type: "invalid_request_error",
  code: "unknown_endpoint",
});

/** The path has no version in front of the endpoint, neither here nor upstream. */
export const noVersion = refuse(404, {
  message: "There is no such path: with an OpenAI SDK let base_url end in /v1.",
  type: "invalid_request_error",
  code: "unknown_endpoint",
});

/**
 * The client asks for a WebSocket, as for sessions of Realtime: nobody could read what passes in it. At
 * 426 Codex goes on over plain HTTP at once; at another status it tries seven times before it does.
 */
export const noWebSocket = refuse(426, {
  message:
    "WebSockets are not served here: ask over plain HTTP, with stream for bit-by-bit answers.",
  type: "invalid_request_error",
  code: "unknown_endpoint",
});

/** The body is longer than `max_body_bytes` allows. */
export function tooLarge(bytes: number, most: number): Answer {
  const message = `The request body has ${bytes} bytes; at most ${most} are accepted.`;
  return refuse(413, { message, type: "invalid_request_error", code: "request_too_large" });
}

/** A compressed body is too long when it is expanded, damaged, or of a coding that is not read here. */
export function notExpanded({ status, error: { message }, headers }: Unreadable): Answer {
  const type = "invalid_request_error";
  if (status === 413) return refuse(413, { message, type, code: "request_too_large" }, headers);
  if (status === 400) return refuse(400, { message, type, code: null }, headers);
  return refuse(415, { message, type, code: "unsupported_content_encoding" }, headers);
}

/** A form is compressed: its small parts are read as they stream on. */
export const compressedForm = refuse(415, {
  message: "A form is not read compressed: send it without Content-Encoding.",
  type: "invalid_request_error",
  code: "unsupported_content_encoding",
});

/** The body of an endpoint that names a model is no JSON object. */
export function badBody(problem: string): Answer {
  const message = `The request body is not usable: ${problem}.`;
  return refuse(400, { message, type: "invalid_request_error", code: null });
}

function unavailableAs(message: string): Answer {
  const error = { message, type: "server_error", code: "gateway_unavailable" };
  return refuse(503, error, { "Retry-After": "1" });
}

function failedAs(hint: string): Answer {
  const message = `The gateway failed while it decided about this request; ${hint}.`;
  return refuse(500, { message, type: "server_error", code: "gateway_error" });
}
