// The shape of an error in OpenAI's API, as its SDKs read it: {"error": {message, type, param, code}}.
// https://platform.openai.com/docs/guides/error-codes

export interface ApiError {
  /** What was wrong, the value, what to do: one sentence. Never a key or a prompt. */
  message: string;
  type: string;
  code: string | null;
  param?: string | null;
}

export function errorBody({ message, type, param = null, code }: ApiError): string {
  return JSON.stringify({ error: { message, type, param, code } });
}

const client = "invalid_request_error";
const server = "server_error";

/**
 * What Kong and nginx answer by themselves, by status, in the words of this API: SDKs show
 * error.message, and say "(no body)" to any other shape.
 */
export const kongErrors: Readonly<Record<number, ApiError>> = {
  400: {
    ...{ type: client, code: null },
    message: "The request is not valid HTTP; see that nothing between you and here changes it.",
  },
  401: {
    ...{ type: client, code: "invalid_api_key" },
    message: "No API key, or a wrong one: send your key as a Bearer token, or as x-api-key.",
  },
  403: {
    ...{ type: client, code: "forbidden" },
    message: "You may not do this here; ask whoever runs the gateway.",
  },
  404: {
    ...{ type: client, code: "unknown_endpoint" },
    message:
      "Nothing is published under this path: with an OpenAI SDK let base_url end in /v1, as the gateway's address does.",
  },
  408: {
    ...{ type: client, code: "request_timeout" },
    message: "The request did not arrive in time; send it again.",
  },
  413: {
    ...{ type: client, code: "request_too_large" },
    message: "The request body is longer than the gateway takes; send a shorter one.",
  },
  414: {
    ...{ type: client, code: "request_too_large" },
    message: "The path or the query is longer than the gateway takes; send a shorter one.",
  },
  426: {
    ...{ type: client, code: "upgrade_required" },
    message: "The gateway does not take this protocol here; ask by HTTPS.",
  },
  429: {
    ...{ type: "requests", code: "rate_limit_exceeded" },
    message: "Too many requests; wait as Retry-After says.",
  },
  494: {
    ...{ type: client, code: "request_too_large" },
    message: "The headers of the request are longer than the gateway takes; send fewer.",
  },
  500: {
    ...{ type: server, code: "gateway_error" },
    message: "The gateway failed; its log names the request id.",
  },
  501: {
    ...{ type: client, code: "unsupported_transfer_encoding" },
    message: "The gateway does not know this Transfer-Encoding; send the body with its length.",
  },
  502: {
    ...{ type: server, code: "upstream_unreachable" },
    message: "The upstream could not be reached, or broke off before it answered; send it again.",
  },
  503: {
    ...{ type: server, code: "gateway_unavailable" },
    message: "The gateway or its upstream is not available; send it again a little later.",
  },
  504: {
    ...{ type: server, code: "upstream_timeout" },
    message: "The upstream did not answer in time; send it again, or ask for a shorter answer.",
  },
};
