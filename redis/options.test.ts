import { describe, expect, it } from "vitest";
import { redisOptions, redisTarget } from "./options";

const target = (options: object) => redisTarget(redisOptions.parse(options));

describe("redis", () => {
  describe("options", () => {
    it("name no Redis without url and host", () => {
      expect(target({})).toBeUndefined();
    });

    it("take everything from a url that holds everything", () => {
      const url = "rediss://limits:p%40ss%2Fword@redis.example:6380/3";
      expect(target({ url, host: "ignored", port: 1, database: 9 })).toEqual({
        ...{ host: "redis.example", port: 6380, database: 3, tls: true },
        ...{ username: "limits", password: "p@ss/word" },
      });
    });

    it("fill what a url leaves open from the other options", () => {
      const rest = { username: "limits", password: "secret", database: 2, tls: true };
      expect(target({ url: "redis://[::1]", ...rest })).toEqual({
        ...{ host: "::1", port: 6379 },
        ...rest,
      });
    });

    it.each(["http://redis:6379", "redis:6379", "redis://", "redis://h:x", "redis://h/db"])(
      "refuse %s as a url, without repeating it",
      (url) => {
        const { error } = redisOptions.safeParse({ url });
        expect(error?.issues[0]).toMatchObject({
          path: ["url"],
          message: "must be redis://HOST:PORT/DATABASE, or rediss:// for TLS",
        });
      },
    );

    it.each([
      ["redis://:%zz@h", "percent-encoded"],
      ["redis://:a#b@h", "# as %23"],
      ["redis://:a/b@h", "/ as %2F"],
      ["redis+sentinel://s:26379/mymaster", "sentinel_nodes"],
      ["redis://u:p@a:6379,b:6379", "cluster_nodes"],
      ["redis://::1:6379", "in brackets"],
    ])("tell what %s should be", (url, message) => {
      const { error } = redisOptions.safeParse({ url });
      expect(error?.issues[0]?.message).toContain(message);
      expect(error?.issues[0]?.message).not.toMatch(/a.b@h|mymaster/);
    });

    it.each(["redis:6379", "redis://redis", "redis:", "a b"])("refuse %s as a host", (host) => {
      const { error } = redisOptions.safeParse({ host });
      expect(error?.issues[0]?.message).toContain("a name or an address alone");
      expect(redisOptions.safeParse({ host: "::1" }).success).toBe(true);
    });

    it.each([
      ["redis://h/?db=3", 3],
      ["redis://h?db=3", 3],
      ["redis://h/3?db=3", 3],
      ["redis://h", 9],
    ])("take the database of %s, as several clients name it", (url, database) => {
      expect(target({ url, database: 9 })).toMatchObject({ host: "h", database });
    });

    it.each([
      "redis://h/?db=x",
      "redis://h/2?db=3",
      "redis://h/?db=3&db=4",
      "redis://h/?timeout=3",
      "redis://user:12#3@host",
      "redis://h/0#x",
    ])("refuse %s, of which a part would be dropped without a word", (url) => {
      const { error } = redisOptions.safeParse({ url });
      expect(error?.issues[0]).toMatchObject({
        path: ["url"],
        message: expect.stringContaining("percent-encode"),
      });
    });

    it.each([
      [{ url: "valkey://h:6380" }, { host: "h", port: 6380, tls: false }],
      [{ url: "valkeys://u:p@h" }, { host: "h", username: "u", tls: true }],
      [{ url: "REDISS://h" }, { host: "h", tls: true }],
      [{ url: " redis://h\n" }, { host: "h", tls: false }],
      [{ host: "[::1]" }, { host: "::1", port: 6379 }],
    ])("take %j as it is meant", (options, expected) => {
      expect(target(options)).toMatchObject(expected);
    });

    it.each(["unix:///run/redis.sock", "redis:///run/redis.sock", "/run/redis.sock"])(
      "say of %s that a unix socket is not asked",
      (url) => {
        const { error } = redisOptions.safeParse({ url });
        expect(error?.issues[0]?.message).toContain("a unix socket is not asked");
      },
    );

    it("name a Redis behind Sentinels, or a Cluster", () => {
      const access = { username: "u", password: "p", database: 0, tls: true };
      const sentinel_nodes = ["one:26379", "[::1]:26380"];
      expect(target({ sentinel_nodes, sentinel_master: "limits", ...access })).toEqual({
        sentinels: [
          { host: "one", port: 26379 },
          { host: "::1", port: 26380 },
        ],
        ...{ master: "limits", sentinelUsername: "", sentinelPassword: "" },
        ...access,
      });
      expect(target({ cluster_nodes: ["one:7000"], tls_ca_file: "/ca.pem" })).toMatchObject({
        ...{ cluster: [{ host: "one", port: 7000 }], caFile: "/ca.pem" },
      });
    });

    it.each<[object, string]>([
      [{ host: "a", cluster_nodes: ["a:1"] }, "must name one Redis"],
      [{ sentinel_nodes: ["a:1"] }, "sentinel_nodes and sentinel_master together"],
      [{ sentinel_master: "m" }, "sentinel_nodes and sentinel_master together"],
      [{ cluster_nodes: ["a:1"], database: 1 }, "must be 0 in a Redis Cluster"],
      [{ cluster_nodes: ["redis://a"] }, "must be HOST:PORT"],
    ])("refuse %j", (options, message) => {
      const { error } = redisOptions.safeParse(options);
      expect(error?.issues[0]?.message).toContain(message);
    });

    it("accept a vault reference, so that files can be checked", () => {
      expect(redisOptions.safeParse({ url: "{vault://env/redis-url}" }).success).toBe(true);
    });
  });
});
