import { describe, expect, it } from "vitest";
import { escapePath, normalizePath, safeRest, upstreamPath } from "./uri";

describe("paths", () => {
  it.each([
    ["/v1/chat", "/v1/chat"],
    ["/v1//chat///x", "/v1/chat/x"],
    ["/v1/./chat", "/v1/chat"],
    ["/v1/../admin", "/admin"],
    ["/../../etc", "/etc"],
    ["/v1/chat/.", "/v1/chat/"],
    ["/v1/chat/..", "/v1/"],
    ["/v1/ch%61t", "/v1/chat"],
    ["/v1/a%2fb", "/v1/a%2Fb"],
    ["/v1/chat/", "/v1/chat/"],
    ["//v1", "/v1"],
    ["/", "/"],
  ])("%s is compared as %s", (path, normalized) => {
    expect(normalizePath(path)).toBe(normalized);
  });

  it("are escaped where a request line cannot hold them", () => {
    expect(escapePath("/a b/\xc3\xa9?")).toBe("/a%20b/%C3%A9?");
  });

  it("that climb out of their prefix are cut", () => {
    expect(safeRest("../x")).toBe("x");
    expect(safeRest("..")).toBe("");
  });

  // base, path, what follows the prefix, strip_path, what goes upstream (Kong's path_handling v0)
  it.each([
    ["/", "/v1/chat", "chat", false, "/v1/chat"],
    ["/v1", "/v1/chat", "/v1/chat", false, "/v1/v1/chat"],
    ["/v1", "/v1/chat", "/chat", true, "/v1/chat"],
    ["/v1/", "/v1/chat", "/chat", true, "/v1/chat"],
    ["/api", "/v1", "", true, "/api"],
    ["/api", "/v1/", "", true, "/api/"],
    ["/api/", "/v1", "", true, "/api"],
    ["/api", "/", "/", false, "/api"],
    ["/", "/v1", "", true, "/"],
    ["/api", "/v1x", "x", true, "/api/x"],
  ])("of a service at %s and a request for %s become one", (base, path, rest, strips, joined) => {
    expect(upstreamPath(base, path, rest, strips)).toBe(joined);
  });
});
