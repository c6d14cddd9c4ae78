import { describe, expect, it } from "vitest";
import { misconfigured, ofGateway, ofUpstream, redirected, refusalsLua } from "./own-answers";

describe("what Kong answers by itself", () => {
  it.each(
    [ofGateway, ofUpstream, redirected, misconfigured].flatMap((answers) => Object.values(answers)),
  )("$code is a sentence that says what to do", ({ message, code }) => {
    expect(message).toMatch(/^[A-Z].*\.$/);
    expect(code).toMatch(/^[a-z_]+$/);
  });

  it("covers what Kong and nginx answer in place of the stages and of the upstream", () => {
    for (const status of [400, 401, 403, 404, 413, 414, 426, 429, 494, 500, 501, 502, 503, 504]) {
      expect(ofUpstream).toHaveProperty(String(status));
    }
  });

  it("is a Lua table in the shape of each API", () => {
    const bodies = [...refusalsLua().matchAll(/\[(\d+)\] = '(.*)',/g)].map(([, , body]) =>
      JSON.parse(body!.replaceAll("\\'", "'")),
    );
    expect(bodies.filter(({ type }) => type === "error").length).toBeGreaterThan(20);
    expect(bodies.filter(({ error }) => error.code === "invalid_api_key")).toHaveLength(2);
  });
});
