import { describe, expect, it } from "vitest";
import { endpointOf, namesModel, speaksAnthropic } from "./endpoint";

describe("endpoint", () => {
  it.each([
    ["POST", "/v1/messages", "messages"],
    ["POST", "/anthropic/v1/messages", "messages"],
    ["POST", "/v1/messages/count_tokens", "messages/count_tokens"],
    ["GET", "/v1/models", "models"],
    ["GET", "/v1/models/claude-sonnet-4.5", "models"],
    ["GET", "/v1/models/vendor/claude", "models"],
  ])("reads %s %s", (method, path, endpoint) => {
    expect(endpointOf(method, path)).toBe(endpoint);
  });

  it.each([
    ["another method", "GET", "/v1/messages"],
    ["batches, which belong to the upstream's account", "POST", "/v1/messages/batches"],
    ["a message of a thread at OpenAI", "POST", "/v1/threads/thread_1/messages"],
    ["a chat's stored messages", "GET", "/v1/chat/completions/chatcmpl-1/messages"],
    ["a trailing slash", "POST", "/v1/messages/"],
    ["capitals", "POST", "/v1/Messages"],
    ["a doubled slash", "POST", "/v1//messages"],
    ["an escape", "POST", "/v1/messages%2fcount_tokens"],
    ["a parameter", "POST", "/v1/messages;a=b"],
    ["files", "POST", "/v1/files"],
    ["complete, the API before it", "POST", "/v1/complete"],
  ])("leaves %s to others", (_, method, path) => {
    expect(endpointOf(method, path)).toBe("other");
  });

  it("knows whose body names a model", () => {
    expect(namesModel("messages")).toBe(true);
    expect(namesModel("messages/count_tokens")).toBe(true);
    expect(namesModel("models")).toBe(false);
    expect(namesModel("other")).toBe(false);
  });

  it("tells Anthropic's clients by the version that they send", () => {
    expect(speaksAnthropic("2023-06-01")).toBe(true);
    expect(speaksAnthropic("2026-10-21")).toBe(true);
    expect(speaksAnthropic("")).toBe(false);
    expect(speaksAnthropic(undefined)).toBe(false);
  });
});
