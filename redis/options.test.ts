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

    it.each([
      "http://redis:6379",
      "redis:6379",
      "redis://",
      "redis://h:x",
      "redis://h/db",
      "redis://:%zz@h",
    ])("refuse %s as a url, without repeating it", (url) => {
      const { error } = redisOptions.safeParse({ url });
      expect(error?.issues[0]).toMatchObject({
        path: ["url"],
        message: "must be redis://HOST:PORT/DATABASE, or rediss:// for TLS",
      });
    });

    it("accept a vault reference, so that files can be checked", () => {
      expect(redisOptions.safeParse({ url: "{vault://env/redis-url}" }).success).toBe(true);
    });
  });
});
