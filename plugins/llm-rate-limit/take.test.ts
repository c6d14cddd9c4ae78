import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RedisConnection } from "../../redis/connection";
import { redisOptions, redisTarget } from "../../redis/options";
import { startRedis, type TestRedis } from "../../test/redis";
import { readTaken, takeArguments, takeInRedis } from "./counter";
import { type Limit, type Take, tallyName } from "./limit";
import { type Taken, takeLocally } from "./local-counts";
import { type Window, windows } from "./windows";

let redis: TestRedis;
let client: Redis;
const connections: RedisConnection[] = [];

beforeAll(async () => {
  redis = await startRedis({ shared: true });
  client = new Redis(redis.url);
}, 60_000);

afterAll(async () => {
  for (const connection of connections) connection.close();
  client.disconnect();
  await redis.stop();
});

const prefix = `test-take-${process.pid}`;

function connect(): RedisConnection {
  const options = redisOptions.parse({
    url: redis.url,
    prefix,
    connect_timeout_ms: 10_000,
    command_timeout_ms: 10_000,
  });
  const connection = new RedisConnection(redisTarget(options)!, options);
  connections.push(connection);
  return connection;
}

let identities = 0;
const newIdentity = () => `test:${++identities}`;

function limit(window: Window, most: number): Limit {
  return { measure: "requests", window, most };
}

function namesOf(identity: string, takes: Take[]): string[] {
  return takes.map((take) => tallyName("test", identity, take.limit));
}

type Taker = (identity: string, takes: Take[], now: number) => Promise<Taken>;

const takeHere: Taker = async (identity, takes, now) =>
  takeLocally(namesOf(identity, takes), takes, now);

// The script itself in a real Redis, but the clock is the test's, and so nothing may expire by the
// clock of Redis. What the script does with a tally that should be gone is part of the test then.
const atGivenTime = `
  local real = redis
  local redis = { call = function(command, ...)
    if command == "TIME" then return { ARGV[#ARGV - 1], ARGV[#ARGV] } end
    if command == "PEXPIRE" then return 1 end
    return real.call(command, ...)
  end }
`;
const lua = readFileSync(join(__dirname, "take.lua"), "utf8");

const takeThere: Taker = async (identity, takes, now) => {
  const keys = namesOf(identity, takes).map((name) => `${prefix}:limit:${name}`);
  const time = [Math.floor(now / 1000), (now % 1000) * 1000 + 999];
  const args = [...takeArguments(takes), ...time];
  const reply = await client.eval(atGivenTime + lua, keys.length, ...keys, ...args);
  return readTaken(reply as number[], takes);
};

// The slow exact model: it keeps every take, finds buckets by division or by how a date is written,
// and compares fractions as whole numbers.
const lengths: Partial<Record<Window, number>> = { second: 1000, minute: 60_000, hour: 3_600_000 };

class Model {
  private readonly takes: { at: number; amount: number }[] = [];

  constructor(private readonly limit: Limit) {}

  take(at: number, amount: number): void {
    this.takes.push({ at, amount });
  }

  fits(at: number, amount: number): boolean {
    const { window, most } = this.limit;
    const length = lengths[window];
    if (!length) {
      const digits = window === "day" ? 10 : 7;
      const bucket = (time: number) => new Date(time).toISOString().slice(0, digits);
      return this.sum((time) => bucket(time) === bucket(at)) + amount <= most;
    }
    const bucket = (time: number) => Math.floor(time / length);
    const current = this.sum((time) => bucket(time) === bucket(at));
    const previous = this.sum((time) => bucket(time) === bucket(at) - 1);
    const covered = length - (at - bucket(at) * length);
    const used = BigInt(current + amount) * BigInt(length) + BigInt(previous) * BigInt(covered);
    return used <= BigInt(most) * BigInt(length);
  }

  /** The largest amount that fits; 0 also where not even that does. */
  remaining(at: number): number {
    let fits = 0;
    for (let more = this.limit.most; more > 0; ) {
      if (this.fits(at, fits + more)) fits += more;
      else more = Math.floor(more / 2);
    }
    return fits;
  }

  private sum(counts: (at: number) => boolean): number {
    return this.takes.reduce((sum, { at, amount }) => sum + (counts(at) ? amount : 0), 0);
  }
}

/** What a decision must say, if its limits stand as the models do. */
function expectAsModelled(taken: Taken, takes: Take[], models: Model[], now: number): void {
  const fit = takes.map(({ amount }, i) => models[i]!.fits(now, amount));
  expect(taken.taken).toBe(fit.every(Boolean));
  takes.forEach(({ limit, amount }, i) => {
    const model = models[i]!;
    const { remaining, resetMs, waitMs } = taken.limits[i]!;
    if (fit[i]) expect(waitMs).toBe(0);
    else if (amount > limit.most) expect(waitMs).toBe(Number.POSITIVE_INFINITY);
    else {
      expect(model.fits(now + waitMs, amount)).toBe(true);
      expect(model.fits(now + waitMs - 1, amount)).toBe(false);
    }
    if (taken.taken) model.take(now, amount);
    expect(remaining).toBe(model.remaining(now));
    expect(model.remaining(now + resetMs)).toBe(limit.most);
    if (resetMs > 0) expect(model.remaining(now + resetMs - 1)).toBeLessThan(limit.most);
  });
}

const someWindow = fc.constantFrom(...windows);
// Limits of 1 to 12 units: units of one request, and of many tokens or micro-dollars.
const someLimits = fc.record({
  unit: fc.constantFrom(1, 7, 100_003, 20_000_000),
  windows: fc.uniqueArray(someWindow, { minLength: 1, maxLength: 3 }),
  most: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 3 }),
});
const someStep = fc.record({
  amounts: fc.array(fc.integer({ min: 0, max: 13 }), { minLength: 3, maxLength: 3 }),
  advance: fc.oneof(
    fc.record({ by: fc.integer({ min: 0, max: 700 }) }),
    fc.record({ by: fc.integer({ min: 0, max: 150_000 }) }),
    fc.record({ by: fc.integer({ min: 0, max: 9_000_000 }) }),
    fc.record({ to: someWindow, past: fc.integer({ min: -1, max: 1 }) }),
  ),
});
const someStart = fc.integer({
  min: Date.UTC(2024, 0, 1),
  max: Date.UTC(2104, 0, 1),
});

function advanced(now: number, advance: { by: number } | { to: Window; past: number }): number {
  if ("by" in advance) return now + advance.by;
  return Math.max(now, nextBoundary(advance.to, now) + advance.past);
}

function nextBoundary(window: Window, now: number): number {
  const date = new Date(now);
  if (window === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
  const length = lengths[window] ?? 86_400_000;
  return (Math.floor(now / length) + 1) * length;
}

describe("llm-rate-limit", () => {
  describe.each<[string, Taker, number]>([
    ["on this node", takeHere, 1500],
    ["in Redis", takeThere, 300],
  ])("taking %s", (_place, taker, numRuns) => {
    it("agrees with a slow exact model: what is taken, what remains, and when more fits", async () => {
      const scenario = fc.tuple(someLimits, someStart, fc.array(someStep, { maxLength: 25 }));
      const property = fc.asyncProperty(scenario, async ([{ unit, ...given }, start, steps]) => {
        const limits = given.windows.map((window, i) => limit(window, given.most[i]! * unit));
        const models = limits.map((limit) => new Model(limit));
        const identity = newIdentity();
        let now = start;
        for (const { amounts, advance } of steps) {
          now = advanced(now, advance);
          const takes = limits.map((limit, i) => ({ limit, amount: amounts[i]! * unit }));
          expectAsModelled(await taker(identity, takes, now), takes, models, now);
        }
      });
      await fc.assert(property, { numRuns });
    }, 60_000);

    it("takes from all limits or from none", async () => {
      const identity = newIdentity();
      const now = Date.UTC(2026, 4, 4, 12);
      const takes = [
        { limit: limit("minute", 5), amount: 1 },
        { limit: limit("day", 2), amount: 1 },
      ];
      const answers = [];
      for (let i = 0; i < 4; i++) answers.push(await taker(identity, takes, now));

      expect(answers.map(({ taken }) => taken)).toEqual([true, true, false, false]);
      expect(answers[3]!.limits.map(({ remaining }) => remaining)).toEqual([3, 0]);
      expect(answers[3]!.limits.map(({ waitMs }) => waitMs)).toEqual([0, 12 * 3_600_000]);
    });

    it.each<[Window, string, string]>([
      ["day", "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z"],
      ["month", "2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.000Z"],
      ["month", "2028-02-29T23:59:59.999Z", "2028-03-01T00:00:00.000Z"],
      ["month", "2100-02-28T23:59:59.999Z", "2100-03-01T00:00:00.000Z"],
    ])("starts a new %s after %s", async (window, last, first) => {
      const identity = newIdentity();
      const takes = [{ limit: limit(window, 1), amount: 1 }];
      const take = (time: string) => taker(identity, takes, Date.parse(time));

      expect((await take(last)).taken).toBe(true);
      expect((await take(last)).limits[0]).toMatchObject({ waitMs: 1, resetMs: 1 });
      expect((await take(first)).taken).toBe(true);
    });

    it("forgets nothing when the clock goes back", async () => {
      const identity = newIdentity();
      const takes = [{ limit: limit("minute", 1), amount: 1 }];
      const now = Date.UTC(2026, 0, 1, 12);

      expect((await taker(identity, takes, now)).taken).toBe(true);
      const earlier = await taker(identity, takes, now - 1);
      expect(earlier.taken).toBe(false);
      expect(earlier.limits[0]!.waitMs).toBe(120_001);
    });

    it("starts clean when a limit is changed", async () => {
      const identity = newIdentity();
      const now = Date.UTC(2026, 0, 1);
      const take = (most: number) =>
        taker(identity, [{ limit: limit("hour", most), amount: 1 }], now);

      expect((await take(1)).taken).toBe(true);
      expect((await take(1)).taken).toBe(false);
      expect((await take(2)).limits[0]!.remaining).toBe(1);
    });
  });

  describe("taking in Redis, by its own clock", () => {
    it("lets exactly 50 of 200 concurrent takes over 4 connections have a budget of 50", async () => {
      const takes = [{ limit: limit("day", 50), amount: 1 }];
      const names = namesOf(newIdentity(), takes);
      const four = [connect(), connect(), connect(), connect()];
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => takeInRedis(four[i % 4]!, prefix, names, takes)),
      );

      expect(answers.filter(({ taken }) => taken)).toHaveLength(50);
    });

    it("is one command a decision, whatever it takes from", async () => {
      const connection = connect();
      const takes = windows.map((window) => ({ limit: limit(window, 100), amount: 1 }));
      const names = namesOf(newIdentity(), takes);
      const sent: string[] = [];
      await connection.run(async (client) => {
        const { sendCommand } = client;
        client.sendCommand = function (command, stream) {
          sent.push(command.name);
          return sendCommand.call(this, command, stream);
        };
      });
      for (let i = 0; i < 3; i++) await takeInRedis(connection, prefix, names, takes);

      expect(sent).toHaveLength(3);
    });

    it("gives every key that it writes an expiry, no later than it means something", async () => {
      const takes = windows.map((window) => ({ limit: limit(window, 100), amount: 3 }));
      const identity = newIdentity();
      const { limits } = await takeInRedis(connect(), prefix, namesOf(identity, takes), takes);
      const keys = await client.keys(`${prefix}:limit:test:{${identity}}:*`);

      expect(keys).toHaveLength(windows.length);
      for (const { limit, resetMs } of limits) {
        const left = await client.pttl(`${prefix}:limit:${tallyName("test", identity, limit)}`);
        expect(left).toBeGreaterThan(0);
        expect(left).toBeLessThanOrEqual(resetMs);
      }
    });

    it("writes nothing when it only looks, or refuses", async () => {
      const identity = newIdentity();
      const connection = connect();
      for (const amount of [0, 6]) {
        const takes = [{ limit: limit("minute", 5), amount }];
        await takeInRedis(connection, prefix, namesOf(identity, takes), takes);
      }

      expect(await client.keys(`${prefix}:limit:test:{${identity}}:*`)).toEqual([]);
    });

    it("keeps all keys of one identity in one slot", async () => {
      const identity = newIdentity();
      const names = windows.map((window) => tallyName("test", identity, limit(window, 1)));
      const slots = await Promise.all(
        names.map((name) => client.cluster("KEYSLOT", `${prefix}:limit:${name}`)),
      );

      expect(new Set(slots).size).toBe(1);
    });

    it("passes exactly when it said, by the clock of Redis, and not before", async () => {
      const connection = connect();
      const takes = [{ limit: limit("second", 3), amount: 1 }];
      const names = namesOf(newIdentity(), takes);
      const model = new Model(takes[0]!.limit);
      let due: number | undefined;
      const waited: boolean[] = [];
      while (waited.length < 5) {
        const answer = await takeInRedis(connection, prefix, names, takes);
        expectAsModelled(answer, takes, [model], answer.at);
        if (due !== undefined) expect(answer.taken).toBe(answer.at >= due);
        if (answer.taken && due !== undefined) waited.push(true);
        due = answer.taken ? undefined : answer.at + answer.limits[0]!.waitMs;
      }
    }, 30_000);
  });

  describe("taking on this node, by its own clock", () => {
    it("lets exactly 50 of 200 takes have a budget of 50", async () => {
      const takes = [{ limit: limit("day", 50), amount: 1 }];
      const identity = newIdentity();
      const now = Date.now();
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => takeHere(identity, takes, now)),
      );

      expect(answers.filter(({ taken }) => taken)).toHaveLength(50);
    });
  });
});
