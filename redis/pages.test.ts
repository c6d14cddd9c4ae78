import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startRedis, type TestRedis } from "../test/support/redis";
import { RedisConnection } from "./connection";
import { redisOptions, redisTarget } from "./options";
import { literally, pagesOfKeys } from "./pages";

let redis: TestRedis;
let connection: RedisConnection;

beforeAll(async () => {
  redis = await startRedis();
  const patient = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const options = redisOptions.parse({ url: redis.url, ...patient });
  connection = new RedisConnection(redisTarget(options)!, options);
}, 60_000);
afterAll(async () => {
  connection.close();
  await redis.stop();
});

async function found(pattern: string) {
  const pages: string[][] = [];
  for await (const page of pagesOfKeys(connection, pattern)) pages.push(page);
  return { pages, keys: [...new Set(pages.flat())].sort() };
}

describe("the keys of a Redis", () => {
  it("come page by page until all that match have come", async () => {
    const keys = Array.from({ length: 1300 }, (_, i) => `many:${10_000 + i}`);
    await connection.run((client) => client.mset(...keys.flatMap((key) => [key, "1"])));
    const all = await found("many:*");
    expect(all.keys).toEqual(keys);
    expect(all.pages.length).toBeGreaterThan(1);
  });

  it("are told apart by text that holds what a glob would take for its own", async () => {
    const odd = "odd*[a]?\\x";
    await connection.run((client) => client.mset(`${odd}:1`, "1", "odd-other:a-x:1", "1"));
    expect((await found(`${literally(odd)}:*`)).keys).toEqual([`${odd}:1`]);
  });
});
