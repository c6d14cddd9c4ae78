import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import { attributeBy, attribution, attributionNeeds } from "./attribution";
import { usageOptions } from "./schema";

const tags = [
  { name: "feature", header: "X-Feature" },
  { name: "session", header: "x-session", member: "metadata.session_id" },
];
const everything = ["team", "end_user", "model", "provider", "endpoint", "tags"];

function exchange(body: object, headers: Record<string, string> = {}): Exchange {
  return {
    request: {
      ...{ id: "1", method: "POST", path: "/v1/chat/completions", client_ip: "127.0.0.1" },
      ...{ service: "llm-upstream", headers },
    },
    consumer: { id: "c", username: "app", tags: ["k8s-x", "team-search", "team-ads"] },
    body: RequestBody.parse(JSON.stringify(body)) as RequestBody,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: { id: "1", started_at: 0, method: "POST", endpoint: "", stream: false, stages: {} },
    keep: 0,
  };
}

const attributed = (options: object, ...asked: Parameters<typeof exchange>) =>
  attributeBy(usageOptions.parse(options))?.(exchange(...asked));
const ledger = { policy: "local", by: everything };

describe("llm-usage › attribution", () => {
  it("takes nothing down where nobody asks for it", () => {
    expect(attributed({}, {})).toBe(undefined);
    expect(attributed({ ledger: { policy: "local", by: ["model"] } }, {})).toEqual({});
  });

  it("knows the first team of a consumer, and the provider", () => {
    const known = attributed({ ledger }, { model: "m" });
    expect(known).toEqual({ team: "team-search", provider: "llm-upstream" });
    const prefix = { ...ledger, team_tag_prefix: "team-ad" };
    expect(attributed({ ledger: prefix }, {})?.team).toBe("team-ads");
  });

  it("keeps a digest of an end user, from wherever apps name them", () => {
    const alice = attributed({ ledger }, { user: "alice@example.com" })?.end_user;
    expect(alice).toMatch(/^[\w-]{22}$/);
    for (const body of [
      { safety_identifier: "alice@example.com", user: "bob" },
      { metadata: { user_id: "alice@example.com" } },
    ]) {
      expect(attributed({ ledger }, body)?.end_user).toBe(alice);
    }
    const named = { ...ledger, end_user_header: "X-User" };
    const headers = { "x-user": "alice@example.com" };
    expect(attributed({ ledger: named }, { user: "bob" }, headers)?.end_user).toBe(alice);
  });

  it("reads tags of headers first, then of members", () => {
    const body = { metadata: { session_id: 42, other: "x" } };
    expect(attributed({ tags }, body, { "x-feature": "search" })).toEqual({
      tags: { feature: "search", session: "42" },
    });
    expect(attributed({ tags }, body, { "x-session": "s" })?.tags).toEqual({ session: "s" });
    expect(attributed({ tags }, { metadata: { session_id: { a: 1 } } })?.tags).toEqual({});
    expect(attributed({ tags: [{ name: "p", member: "metadata.__proto__" }] }, body)).toEqual({
      tags: {},
    });
  });

  it("bounds what clients write, so that the ticket can carry it", () => {
    const long = { user: "u".repeat(9999), metadata: { session_id: "한\u0000\n".repeat(500) } };
    const known = attributed({ tags, ledger }, long, { "x-feature": "f".repeat(9999) });
    expect(known?.tags?.feature).toHaveLength(100);
    expect(known?.tags?.session).not.toMatch(/\p{Cc}/u);
    const cut = attributed({ tags }, { metadata: { session_id: `a${"😀".repeat(60)}` } });
    expect(cut?.tags?.session).toBe(`a${"😀".repeat(49)}`);
    expect(JSON.stringify(known).length).toBeLessThan(600);
    expect(attribution.parse(known)).toEqual(known);
  });

  it("asks Kong for the headers that it reads, and no others", () => {
    const needs = (options: object) => attributionNeeds(usageOptions.parse(options)).headers;
    expect(needs({})).toEqual([]);
    expect(needs({ tags })).toEqual(["x-feature", "x-session"]);
    const named = { ...ledger, end_user_header: "X-Feature" };
    expect(needs({ tags, ledger: named })).toEqual(["x-feature", "x-session"]);
    expect(needs({ ledger: { ...named, by: ["model"] } })).toEqual([]);
  });
});
