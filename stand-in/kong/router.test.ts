import { describe, expect, it } from "vitest";
import { parseDeclarative } from "../../kong/declarative";
import { entitiesOf } from "./config";
import { requestWith } from "./request.fixture";
import { routerOf } from "./router";

/** A router for services of one route each: name -> route. */
function routes(byName: Record<string, object>) {
  const services = Object.entries(byName).map(([name, route]) => ({
    name,
    host: "upstream",
    routes: [{ name, ...route }],
  }));
  const config = JSON.stringify({ _format_version: "3.0", services });
  const find = routerOf(entitiesOf(parseDeclarative(config), 0).routes);
  return (url: string, method = "GET", headers: Record<string, string> = {}) =>
    find(requestWith({ url, method, headers }));
}

describe("the stand-in's router", () => {
  it("prefers the longest prefix, whatever the order", () => {
    const find = routes({
      all: { paths: ["/"] },
      short: { paths: ["/v1"] },
      long: { paths: ["/v1/chat"] },
    });
    expect(find("/v1/chat/completions")?.route.name).toBe("long");
    expect(find("/v1/models")?.route.name).toBe("short");
    expect(find("/else")?.route.name).toBe("all");
  });

  it("prefers a route with more criteria to a longer prefix", () => {
    const find = routes({
      posts: { paths: ["/v1"], methods: ["POST"] },
      longer: { paths: ["/v1/chat"] },
    });
    expect(find("/v1/chat", "POST")?.route.name).toBe("posts");
    expect(find("/v1/chat", "GET")?.route.name).toBe("longer");
  });

  it("prefers a regular expression to a prefix, and among them the higher regex_priority", () => {
    const find = routes({
      prefix: { paths: ["/v1/models/list"] },
      low: { paths: ["~/v1/models/[a-z]+"] },
      high: { paths: ["~/v1/models/l"], regex_priority: 5 },
    });
    expect(find("/v1/models/list")?.route.name).toBe("high");
    expect(find("/v1/models/other")?.route.name).toBe("low");
  });

  it("weighs the paths of one route apart", () => {
    const find = routes({
      two: { paths: ["/", "/v1/chat"] },
      one: { paths: ["/v1"] },
    });
    expect(find("/v1/chat")?.route.name).toBe("two");
    expect(find("/v1/x")?.route.name).toBe("one");
  });

  it("compares hosts without port and case, plain before wildcard", () => {
    const find = routes({
      wild: { hosts: ["*.example.com"] },
      plain: { hosts: ["api.example.com"] },
    });
    expect(find("/", "GET", { Host: "API.example.com:8000" })?.route.name).toBe("plain");
    expect(find("/", "GET", { Host: "x.example.com" })?.route.name).toBe("wild");
    expect(find("/", "GET", { Host: "example.org" })).toBeUndefined();
  });

  it("finds no route where a header is missing", () => {
    const find = routes({ beta: { paths: ["/"], headers: { "x-beta": ["yes"] } } });
    expect(find("/")).toBeUndefined();
    expect(find("/", "GET", { "X-Beta": "YES" })?.route.name).toBe("beta");
  });

  it("keeps the path, or strips what it matched", () => {
    const find = routes({
      kept: { paths: ["/kept"], strip_path: false },
      stripped: { paths: ["/stripped"] },
    });
    expect(find("/kept/a?b=1")).toMatchObject({ upstreamUri: "/kept/a", prefix: undefined });
    expect(find("/stripped/a")).toMatchObject({ upstreamUri: "/a", prefix: "/stripped" });
  });

  it("looks at the path as it is after decoding and without dots", () => {
    const find = routes({ v1: { paths: ["/v1"] }, admin: { paths: ["/admin"] } });
    expect(find("/v1/../admin/x")?.route.name).toBe("admin");
    expect(find("/%76%31/x")?.route.name).toBe("v1");
  });

  it("finds a route for https alone over http too, for Kong's 426", () => {
    const find = routes({ tls: { paths: ["/"], protocols: ["https"] } });
    expect(find("/")?.route.name).toBe("tls");
  });
});
