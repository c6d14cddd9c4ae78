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
    expect(ticketOfTry({ ...ticket, key: [1, 2], other_key: true }, 1)).toEqual({
      ...ticket,
      provider: "b",
      model: {
        ...{ requested: "gpt-4", served: "deepseek-chat", label: "other" },
        fallback_from: "a/gpt-4.1",
      },
    });
  });

  it("are told with what the upstream said is left for the key of each that failed", () => {
    const failedTries = '[{"try":0,"status":429,"left":"0\\n6m0s\\n\\n"},{"try":1,"status":429}]';
    const tries = [...ticket.tries!, { served: "c", label: "c", key: [2, 3] as [number, number] }];
    const keyed: Ticket = {
      ...{ ...ticket, key: [0, 2], other_key: true },
      tries: [tries[1]!, tries[0]!],
    };
    expect(furtherTries({ servedTry: 2, failedTries }, keyed)?.failed_tries).toEqual([
      {
        ...{ try: 0, status: 429, key: [0, 2], other_key: true },
        left: { requests: "0", requests_reset: "6m0s", tokens: "", tokens_reset: "" },
      },
      { try: 1, status: 429, key: [2, 3] },
    ]);
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
