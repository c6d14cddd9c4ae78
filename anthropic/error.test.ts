import { describe, expect, it } from "vitest";
import { errorBody, errorType } from "./error";

describe("error", () => {
  it("says what a refusal says in Anthropic's shape, with its finer word as the code", () => {
    const refusal = {
      message: "No such model.",
      type: "x",
      param: "model",
      code: "model_not_found",
    };
    expect(JSON.parse(errorBody(404, refusal, "req_1"))).toEqual({
      type: "error",
      error: {
        type: "not_found_error",
        message: "No such model.",
        details: { error_code: "model_not_found" },
      },
      request_id: "req_1",
    });
  });

  it("leaves out what is not known", () => {
    expect(JSON.parse(errorBody(500, { message: "No.", code: null }))).toEqual({
      type: "error",
      error: { type: "api_error", message: "No." },
    });
  });

  it.each([
    [400, "invalid_request_error"],
    [401, "authentication_error"],
    [402, "billing_error"],
    [403, "permission_error"],
    [404, "not_found_error"],
    [409, "conflict_error"],
    [413, "request_too_large"],
    [415, "invalid_request_error"],
    [422, "invalid_request_error"],
    [429, "rate_limit_error"],
    [500, "api_error"],
    [502, "api_error"],
    [503, "overloaded_error"],
    [504, "timeout_error"],
    [529, "overloaded_error"],
  ])("calls a %i %s", (status, type) => {
    expect(errorType(status)).toBe(type);
  });
});
