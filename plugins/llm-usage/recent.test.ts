import { afterEach, describe, expect, it } from "vitest";
import { causeOf, recentRequests, remember, stopWatching, watchRequests } from "./recent";
import type { UsageLine } from "./usage-line";

afterEach(stopWatching);

const line = (change: Partial<UsageLine> = {}) =>
  ({ request_id: "r", status: 200, source: "service", cut_by: null, ...change }) as UsageLine;

const hour = 3_600_000;

describe("llm-usage › the requests that ended last", () => {
  it("are not kept until somebody watches", () => {
    remember(line());
    expect(recentRequests()).toEqual({ lines: [], requests: 0, failed: [] });
  });

  it("are the last hundred, the last first", () => {
    watchRequests();
    for (let n = 0; n < 250; n++) remember(line({ request_id: `${n}` }));
    const { lines, requests } = recentRequests();
    expect(lines.map(({ request_id }) => request_id)).toEqual(
      Array.from({ length: 100 }, (_, n) => `${249 - n}`),
    );
    expect(requests).toBe(250);
  });

  it.each<[string, Partial<UsageLine>, string | undefined]>([
    ["200 of the upstream", {}, undefined],
    ["200 of the cache", { source: "cache" }, undefined],
    ["429 of the upstream", { status: 429 }, "upstream"],
    ["502 of Kong", { status: 502, source: "error" }, "unreachable"],
    ["400 of another plugin", { status: 400, source: "exit" }, "kong"],
    ["404 of ours", { status: 404, source: "gateway" }, "gateway"],
    ["429 of a limit", { status: 429, source: "gateway", limit: "refused" }, "limit"],
    ["400 without a price", { status: 400, source: "gateway", limit: "unpriced" }, "unpriced"],
    ["a client that left in the middle", { cut_by: "client" }, "client_left"],
    ["a client that left before", { status: 499, cut_by: "client" }, "client_left"],
    ["a cut answer", { cut_by: "upstream" }, "upstream_cut"],
    ["an end that nobody told", { status: 499, cut_by: "unknown" }, "unheard"],
  ])("have a cause: %s", (_, change, kind) => {
    expect(causeOf(line(change))?.kind).toBe(kind);
  });

  it("name the limit that had no room, and no model that a client has made up", () => {
    const refused = { status: 429, source: "gateway", limit: "refused" } as const;
    expect(causeOf(line({ ...refused, limited_by: "tokens per minute of team" }))).toEqual({
      ...{ kind: "limit", status: 429, detail: "tokens per minute of team" },
    });
    const unpriced = { status: 400, source: "gateway", limit: "unpriced" } as const;
    const limited_by = "no price for the model my secret";
    expect(causeOf(line({ ...unpriced, limited_by }))?.detail).toBe("");
  });

  it("are counted by cause for a day, the most frequent first", () => {
    watchRequests();
    const now = 1000 * hour;
    remember(line({ status: 500 }), now - 30 * hour);
    remember(line({ status: 404, source: "gateway" }), now - 3 * hour);
    for (let n = 0; n < 3; n++) remember(line({ status: 500 }), now - n * hour);
    remember(line(), now);
    expect(recentRequests(now)).toMatchObject({
      requests: 5,
      failed: [
        { cause: { kind: "upstream", status: 500 }, count: 3 },
        { cause: { kind: "gateway", status: 404 }, count: 1 },
      ],
    });
    expect(recentRequests(now + 40 * hour)).toMatchObject({ requests: 0, failed: [] });
  });
});
