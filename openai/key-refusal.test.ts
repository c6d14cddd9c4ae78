import { describe, expect, it } from "vitest";
import { refusesKey } from "./key-refusal";

const error = (fields: unknown) => Buffer.from(JSON.stringify({ error: fields }));

describe("openai", () => {
  it.each([401, 402, 429])("%i refuses the key, whatever it says", (status) => {
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
  ])("403 with %j is a mistake of the client", (fields) => {
    expect(refusesKey(403, error(fields))).toBe(false);
  });

  it.each([{ message: "Your key is disabled." }, { code: "permission_denied" }, null])(
    "403 with %j refuses the key",
    (fields) => {
      expect(refusesKey(403, error(fields))).toBe(true);
      expect(refusesKey(403, Buffer.from("<html>"))).toBe(true);
    },
  );
});
