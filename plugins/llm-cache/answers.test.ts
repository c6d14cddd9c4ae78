import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeConnections, connectionTo } from "../../redis/connection";
import { entryOf, everyByte, read, wish } from "../../test/support/answers";
import { startRedis, type TestRedis } from "../../test/support/redis";
import type { Answers } from "./answers";
import { answersInMemory } from "./answers-in-memory";
import { answersInRedis } from "./answers-in-redis";
import { cacheOptions } from "./schema";

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
}, 60_000);
afterAll(async () => {
  closeConnections();
  await redis.stop();
});

function inRedis(): Answers {
  const patient = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };
  const options = cacheOptions.parse({ redis: { url: redis.url, ...patient } });
  return answersInRedis(connectionTo(options.redis)!, options);
}

let serial = 0;
/** A key of its own for each test, as all share one store. */
const freshKey = () => `key ${++serial}`;

describe.each<[string, () => Answers]>([
  ["in memory", () => answersInMemory(1_048_576)],
  ["in Redis", inRedis],
])("llm-cache answers %s", (_, open) => {
  let answers: Answers;
  beforeAll(() => {
    answers = open();
  });

  it("come back as they were kept, to the byte, and to every config", async () => {
    const key = freshKey();
    await answers.keep(key, entryOf(everyByte), 60_000);
    expect(await read(open(), key)).toEqual(entryOf(everyByte));
    expect(await read(answers, freshKey())).toBeUndefined();
  });

  it("are gone when their time is over", async () => {
    const key = freshKey();
    await answers.keep(key, entryOf("{}"), 1);
    await expect.poll(() => read(answers, key)).toBeUndefined();
  });

  it("give their place to newer ones, and are told apart from none by who wants no old one", async () => {
    const key = freshKey();
    await answers.keep(key, entryOf("old"), 60_000);
    const newer = { ...wish("r1", 0), after: entryOf("").stored_at };
    expect(await answers.look(key, newer)).toEqual({ state: "none", older: true });
    await answers.keep(key, { ...entryOf("new"), stored_at: newer.after + 1 }, 60_000);
    expect(await answers.look(key, newer)).toMatchObject({ state: "entry" });
    expect((await read(answers, key))?.body.toString()).toBe("new");
  });

  describe("of equal requests", () => {
    it("that look at once lets exactly one lead, and tells the others who", async () => {
      const key = freshKey();
      const ids = Array.from({ length: 100 }, (_, at) => `r${at}`);
      const found = await Promise.all(ids.map((id) => answers.look(key, wish(id))));
      const leaders = ids.filter((_, at) => found[at]!.state === "leads");
      expect(leaders).toHaveLength(1);
      const others = found.flatMap((each) => (each.state === "follows" ? [each] : []));
      expect(others.map(({ leader }) => leader)).toEqual(Array(99).fill(leaders[0]));
      for (const { leftMs } of others) {
        expect(leftMs).toBeGreaterThan(0);
        expect(leftMs).toBeLessThanOrEqual(10_000);
      }
    });

    it("lets a request that looks twice not follow itself", async () => {
      const key = freshKey();
      await answers.look(key, wish("r1"));
      expect(await answers.look(key, wish("r1"))).toEqual({ state: "leads", older: false });
    });

    it("lets one that only looks not lead", async () => {
      const key = freshKey();
      expect(await answers.look(key, wish("r1", 0))).toEqual({ state: "none", older: false });
      expect(await answers.look(key, wish("r2"))).toMatchObject({ state: "leads" });
      expect(await answers.look(key, wish("r1", 0))).toMatchObject({ state: "follows" });
    });

    it("ends a lease with the answer", async () => {
      const key = freshKey();
      await answers.look(key, wish("r1"));
      await answers.keep(key, entryOf("{}"), 60_000, "r1");
      expect(await answers.look(key, wish("r2"))).toMatchObject({ state: "entry" });
      const newer = { ...wish("r2"), after: entryOf("{}").stored_at };
      expect(await answers.look(key, newer)).toEqual({ state: "leads", older: true });
    });

    it("ends a lease without an answer", async () => {
      const key = freshKey();
      await answers.look(key, wish("r1"));
      await answers.release(key, "r1");
      expect(await answers.look(key, wish("r2"))).toEqual({ state: "leads", older: false });
    });

    it("never ends another's lease", async () => {
      const key = freshKey();
      await answers.look(key, wish("r2"));
      await answers.release(key, "r1");
      await answers.keep(key, entryOf("{}"), 60_000, "r1");
      await answers.keep(key, entryOf("{}"), 60_000);
      const newer = { ...wish("r3"), after: entryOf("{}").stored_at };
      expect(await answers.look(key, newer)).toMatchObject({ state: "follows", leader: "r2" });
    });

    it("lets another lead when a leader's time is over", async () => {
      const key = freshKey();
      await answers.look(key, wish("dead", 1));
      await expect.poll(() => answers.look(key, wish("r2"))).toMatchObject({ state: "leads" });
    });
  });
});
