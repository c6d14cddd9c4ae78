import { describe, expect, it } from "vitest";
import { errorBody, kongErrors } from "./error";

describe("openai", () => {
  describe("an error that Kong makes by itself", () => {
    it.each([401, 403, 404, 413, 426, 429, 494, 500, 501, 502, 503, 504])(
      "%i has the shape that SDKs show",
      (status) => {
        const { error } = JSON.parse(errorBody(kongErrors[status]!));
        expect(error.message).toMatch(/^[A-Z].+\.$/);
        expect(error).toMatchObject({ type: expect.any(String), param: null });
        expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
      },
    );

    it("tells a 404 the commonest mistake: a base_url without /v1", () => {
      expect(kongErrors[404]!.message).toContain("base_url end in /v1");
    });
  });
});
