import { describe, expect, it } from "vitest";
import { asksTooMuch, refusesKey } from "./key-refusal";

const error = (fields: unknown) => Buffer.from(JSON.stringify({ error: fields }));

describe("openai", () => {
  it.each([401, 402])("%i refuses the key, whatever it says", (status) => {
    expect(refusesKey(status, error({ code: "model_not_found" }))).toBe(true);
    expect(refusesKey(status, Buffer.alloc(0))).toBe(true);
  });

  it.each([200, 400, 404, 500, 503])("%i says nothing of the key", (status) => {
    expect(refusesKey(status, error({ message: "x" }))).toBe(false);
  });

  it.each([
    { message: "no access to this model", code: "model_not_found" },
    { message: "Your input was flagged" },
    { message: "x", type: "content_policy_violation" },
    { code: "unsupported_country_region_territory" },
    "This model is closed",
    { message: "You do not have access to this file", code: "permission_denied" },
    { type: "permission_error", message: "This feature is not open to you: web search" },
    { message: "The input is too long", code: "forbidden" },
  ])("403 with %j is a mistake of the client", (fields) => {
    expect(refusesKey(403, error(fields))).toBe(false);
  });

  it.each([
    '{"detail":"Not permitted for this prompt"}',
    '[{"error":{"message":"model x is not allowed","code":403}}]',
    "You may not sample from this model",
    // A firewall in front of the API, that does not like a prompt.
    "<!DOCTYPE html><title>Attention Required!</title>",
  ])("403 with %s is one, too", (text) => {
    expect(refusesKey(403, Buffer.from(text))).toBe(false);
  });

  it.each(["", "Forbidden", '{"message":"Forbidden"}', '{"detail":"Access denied."}'])(
    "403 with %j, which says nothing, refuses the key",
    (text) => {
      expect(refusesKey(403, Buffer.from(text))).toBe(true);
    },
  );

  it.each([
    "该令牌无权访问该模型",
    "요청한 모델을 사용할 수 없습니다",
    "输入包含敏感内容",
    "잘못된 요청",
  ])(
    "403 with %j, which says something in another script, is no refusal that says nothing",
    (message) => {
      expect(refusesKey(403, error({ message }))).toBe(false);
    },
  );

  it("412 refuses it for an account that is suspended, as Fireworks answers", () => {
    const message = "Account x is suspended, possibly due to reaching the monthly spending limit";
    expect(refusesKey(412, error({ code: "PRECONDITION_FAILED", message }))).toBe(true);
    expect(refusesKey(412, Buffer.alloc(0))).toBe(false);
    expect(refusesKey(412, error({ message: "The model is not deployed" }))).toBe(false);
  });

  it("429 refuses the key, unless it is about this request or its model", () => {
    const tooLarge = error({ message: "Request too large for gpt-4.1 on tokens per min (TPM)" });
    expect(refusesKey(429, error({ message: "Rate limit reached" }))).toBe(true);
    expect(refusesKey(429, tooLarge)).toBe(false);
    expect(asksTooMuch(429, tooLarge)).toBe(true);
    const overloaded = error({ message: "This model is currently overloaded" });
    expect(refusesKey(429, overloaded)).toBe(false);
    const saturated = error({
      type: "new_api_error",
      message: "当前分组上游负载已饱和，请稍后再试",
    });
    expect(refusesKey(429, saturated)).toBe(false);
    expect(asksTooMuch(429, overloaded)).toBe(false);
  });

  it("400 refuses it by Google's code for a key, not by a message that a client may have written", () => {
    const details = [{ reason: "API_KEY_INVALID" }];
    expect(refusesKey(400, error({ code: 400, details }))).toBe(true);
    expect(refusesKey(400, error({ message: '"API_KEY_INVALID"' }))).toBe(false);
  });

  const tooLow =
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.";

  it.each([
    { type: "invalid_request_error", message: tooLow },
    {
      type: "invalid_request_error",
      message:
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    },
    { type: "invalid_request_error", message: "This organization has been disabled." },
    { code: "blocked_api_access", message: "The spend limit is reached" },
    { code: "400", type: "budget_exceeded", message: "Budget has been exceeded!" },
    { code: "Arrearage", type: "Arrearage", message: "Access denied" },
    { code: "billing_hard_limit_reached", message: "Billing hard limit has been reached" },
    { code: "organization_restricted", type: "invalid_request_error", message: "x" },
    "Incorrect API key provided: xa***yz. You can obtain an API key from https://console.x.ai.",
  ])("400 with %j refuses the key: its account cannot pay, or it is unknown", (fields) => {
    expect(refusesKey(400, error(fields))).toBe(true);
  });

  it.each([
    {
      type: "invalid_request_error",
      message: `${tooLow.slice(0, -1)}: Extra inputs are not permitted`,
    },
    { type: "invalid_request_error", message: `messages.0: ${tooLow}` },
    { code: null, message: "Arrearage" },
    { code: "invalid_value", param: "Arrearage", message: "Invalid value: 'Arrearage'" },
    "Incorrect API key provided",
  ])("400 with %j does not: any client can have it said", (fields) => {
    expect(refusesKey(400, error(fields))).toBe(false);
  });

  it("403 refuses it by a code for its account, whatever its message names", () => {
    const message = "The free tier of the model has been exhausted.";
    expect(refusesKey(403, error({ code: "AllocationQuota.FreeTierOnly", message }))).toBe(true);
    expect(refusesKey(403, error({ code: "model_not_found", message }))).toBe(false);
  });

  it.each([
    { message: "Your key is disabled." },
    { message: "Account in arrears, please recharge" },
    { code: "permission_denied" },
    { code: "insufficient_quota" },
    { code: "pre_consume_token_quota_failed", type: "new_api_error", message: "令牌额度不足" },
    { type: "new_api_error", message: "该令牌额度已用尽 (request id: 20251127)" },
    { message: "계정의 잔액이 부족합니다" },
    null,
  ])("403 with %j refuses the key", (fields) => {
    expect(refusesKey(403, error(fields))).toBe(true);
  });
});
