import { describe, expect, it } from "vitest";
import type { Ticket } from "../stages/ticket";
import { furtherTries, ticketOfTry } from "./tried";

const ticket: Ticket = {
  ...{ id: "1", started_at: 0, method: "POST", endpoint: "chat/completions" },
  ...{ stream: false, stages: {}, provider: "a" },
  model: { requested: "gpt-4", served: "gpt-4.1", label: "gpt-4.1" },
  tries: [{ served: "deepseek-chat", label: "other", fallback_from: "a/gpt-4.1", provider: "b" }],
};

describe("the tries of a request", () => {
  it("are told with what failed before the one that served", () => {
    const failedTries = '[{"try":0,"status":429,"retry_after":"5"}]';
    expect(furtherTries({ servedTry: 1, failedTries }, ticket)).toEqual({
      served_try: 1,
      failed_tries: [{ try: 0, status: 429, retry_after: "5" }],
      first_try: { label: "gpt-4.1", provider: "a" },
    });
    // The key of the first is none of the second's.
    expect(ticketOfTry({ ...ticket, key: [1, 2] }, 1)).toEqual({
      ...ticket,
      provider: "b",
      model: {
        ...{ requested: "gpt-4", served: "deepseek-chat", label: "other" },
        fallback_from: "a/gpt-4.1",
      },
    });
  });

  it.each([
    ["the first served", {}],
    ["one is named that was not decided", { servedTry: 2 }],
    ["its number is none", { servedTry: 0 }],
  ])("are one where %s", (_, told) => {
    expect(furtherTries(told, ticket)).toBeUndefined();
  });

  it.each(["", "no JSON", '[{"try":-1}]', '{"try":0}', '[{"try":0,"status":99999}]'])(
    "are known to have failed no more than can be read: %j",
    (failedTries) => {
      expect(furtherTries({ servedTry: 1, failedTries }, ticket)?.failed_tries).toEqual([]);
    },
  );
});
