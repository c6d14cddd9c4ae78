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

  it("429 refuses the key, unless it is about this request or its model", () => {
    const tooLarge = error({ message: "Request too large for gpt-4.1 on tokens per min (TPM)" });
    expect(refusesKey(429, error({ message: "Rate limit reached" }))).toBe(true);
    expect(refusesKey(429, tooLarge)).toBe(false);
    expect(asksTooMuch(429, tooLarge)).toBe(true);
    const overloaded = error({ message: "This model is currently overloaded" });
    expect(refusesKey(429, overloaded)).toBe(false);
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
    { type: "invalid_request_error", message: "This organization has been disabled." },
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
    null,
  ])("403 with %j refuses the key", (fields) => {
    expect(refusesKey(403, error(fields))).toBe(true);
  });
});
