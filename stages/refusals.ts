// What is answered where no stage has decided: the request cannot be read, nobody knows who asks, or
// the gateway itself failed. Each in the shape of the caller's API.

import { type Answer, refuse } from "./exchange";

/** The route's pre-function is missing. */
export const notGathered = refuse(
  503,
  {
    message:
      "This route has no gathered request: add the pre-function with gather.lua to its service.",
    type: "server_error",
    code: "gateway_unavailable",
  },
  { "Retry-After": "1" },
);

/** No authentication plugin has given the request a consumer, and one is required. */
export const unauthenticated = refuse(401, {
  message:
    "No consumer is known for this request: send your API key as x-api-key or as a Bearer token.",
  type: "invalid_request_error",
  code: "invalid_api_key",
});

/** A guarding stage threw. */
export const stageFailed = refuse(500, {
  message: "The gateway failed while it decided about this request; its log names the request id.",
  type: "server_error",
  code: "gateway_error",
});

/** A plugin's handler threw, or took too long. */
export const handlerFailed = refuse(500, {
  message: "The gateway failed while it decided about this request; its log says why.",
  type: "server_error",
  code: "gateway_error",
});

/** The plugin server stops, or has too much to do. */
export const unavailable = refuse(
  503,
  {
    message: "The gateway cannot take this request now; try again.",
    type: "server_error",
    code: "gateway_unavailable",
  },
  { "Retry-After": "1" },
);

export function tooLarge(bytes: number, most: number): Answer {
  return refuse(413, {
    message: `The request body has ${bytes} bytes; at most ${most} are accepted.`,
    type: "invalid_request_error",
    code: "request_too_large",
  });
}

export function badBody(problem: string): Answer {
  return refuse(400, {
    message: `The request body is not usable: ${problem}.`,
    type: "invalid_request_error",
    code: null,
  });
}
