// The shape of an error in Anthropic's API, as its SDKs read it, made from a refusal in OpenAI's words:
// {"type":"error","error":{type,message,details},"request_id"}. The class that an SDK throws follows
// from the status, `error.type` from it too, and `error.details.error_code` is its `errorCode`.
// https://platform.claude.com/docs/en/api/errors, @anthropic-ai/sdk 1.14 (core/error, client).
//
// Both families' SDKs wait alike: they try again after 408, 409, 429 and 5xx unless x-should-retry
// says "false", and sleep as long as retry-after-ms or Retry-After say, be it for hours: so whoever
// asks for a long wait must forbid the retry. The id of an error in their logs is the header request-id.

/** What a refusal of ours says. */
export interface ApiError {
  /** What was wrong, the value, what to do: one sentence. Never a key or a prompt. */
  message: string;
  /** What it is called in OpenAI's API: a finer word than Anthropic's types have. */
  code?: string | null;
}

/** Anthropic's type for each status; `errorType` tells it for all others. */
const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

export function errorType(status: number): string {
  return types[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
}

/** @param requestId the id that the client finds in the answer's head */
export function errorBody(status: number, { message, code }: ApiError, requestId?: string): string {
  const details = code ? { details: { error_code: code } } : {};
  return JSON.stringify({
    type: "error",
    error: { type: errorType(status), message, ...details },
    ...(requestId === undefined ? {} : { request_id: requestId }),
  });
}
