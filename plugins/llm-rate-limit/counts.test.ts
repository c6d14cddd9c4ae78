import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RedisConnection } from "../../redis/connection";
import { expectAsModelled, lengths, Model } from "../../test/support/exact-limits";
import { startRedis, type TestRedis } from "../../test/support/redis";
import {
  connectTo,
  counting,
  limit,
  newId,
  newIdentity,
  prefix,
  wants,
} from "../../test/support/taking";
import { type Calendar, calendarOf, utc } from "./calendar";
import type { Counts, Taken } from "./counts";
import { countsInMemory } from "./counts-in-memory";
import { type Asked, countsInRedis, readTaken, toldOfTakes } from "./counts-in-redis";
import { markName, noOutput, type Output, type Take } from "./limit";
import { type Window, windows } from "./windows";

const mark = "of-this-test";
let redis: TestRedis;
let client: Redis;
let connection: RedisConnection;

beforeAll(async () => {
  redis = await startRedis({ shared: true });
  client = new Redis(redis.url);
  connection = connectTo(redis);
  await connection.run((connected) => connected.set(`${prefix}:limit:${markName("test")}`, mark));
});

afterAll(async () => {
  connection.close();
  client.disconnect();
  await redis.stop();
});

/** Counts to which the test tells the time. */
interface Place extends Pick<Counts, "settle"> {
  take(identity: string, takes: Take[], now: number, output?: Output, id?: string): Promise<Taken>;
  /** By another calendar than that of UTC. */
  takeBy(calendar: Calendar, identity: string, takes: Take[], now: number): Promise<Taken>;
}

const here: Place = {
  take: (identity, takes, now, output = noOutput, id = newId()) =>
    countsInMemory(counting, () => now).take(identity, id, takes, output),
  takeBy: (calendar, identity, takes, now) =>
    countsInMemory({ ...counting, calendar }, () => now).take(identity, newId(), takes, noOutput),
  settle: countsInMemory(counting).settle,
};

// The script itself in a real Redis, but the clock is the test's, and so nothing may expire by the
// clock of Redis. What the script does with a tally that should be gone is part of the test then.
const atGivenTime = `
  local real, time = redis, { table.remove(ARGV, #ARGV - 1), table.remove(ARGV) }
  local redis = { call = function(command, ...)
    if command == "TIME" then return time end
    if command == "PEXPIRE" then return 1 end
    if command == "PTTL" and select(1, ...) == KEYS[1] then return 1e12 end
    if command == "SET" then return real.call("SET", KEYS[#KEYS], 1) end
    return real.call(command, ...)
  end }
`;
const lua = readFileSync(join(__dirname, "take.lua"), "utf8");

/** @param local what the node takes it for */
async function takeThere(
  one: Asked,
  now: number,
  calendar?: Calendar,
  local = now,
): Promise<Taken> {
  const counted = { ...counting, ...(calendar && { calendar }) };
  const { names, argument } = toldOfTakes(counted, [one], mark, local);
  const keys = [markName("test"), ...names].map((name) => `${prefix}:limit:${name}`);
  const time = [Math.floor(now / 1000), (now % 1000) * 1000 + 999];
  const reply = await client.eval(atGivenTime + lua, keys.length, ...keys, argument, ...time);
  return readTaken((reply as number[][])[0]!, one.takes);
}

const there: Place = {
  take: (identity, takes, now, output = noOutput, id = newId()) =>
    takeThere({ identity, id, takes, output }, now),
  takeBy: (calendar, identity, takes, now) =>
    takeThere({ identity, id: newId(), takes, output: noOutput }, now, calendar),
  settle: (...ended) => countsInRedis(connection, prefix, counting).settle(...ended),
};

const someWindow = fc.constantFrom(...windows);
// Limits of 1 to 12 units: units of one request, of many tokens, and of many dollars in billionths.
const someLimits = fc.record({
  unit: fc.constantFrom(1, 7, 100_003, 20_000_000, 83_333_333_333_333),
  windows: fc.uniqueArray(someWindow, { minLength: 1, maxLength: 3 }),
  most: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 3 }),
});
// Mostly few, so that many of them fit beside each other.
const upTo = (few: number, many: number) =>
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: few }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: many }) },
    ),
    { minLength: 3, maxLength: 3 },
  );
const threeAmounts = upTo(2, 13);
const someStep = fc.record({
  amounts: threeAmounts,
  each: upTo(0, 3),
  output: fc.record({
    wanted: fc.integer({ min: 0, max: 6 }),
    less: fc.integer({ min: 0, max: 6 }),
  }),
  /** Which of the requests before is settled, and with what: more than was taken, or less. */
  settle: fc.option(fc.record({ request: fc.nat(24), used: threeAmounts })),
  advance: fc.oneof(
    fc.record({ by: fc.integer({ min: 0, max: 700 }) }),
    fc.record({ by: fc.integer({ min: 0, max: 7000 }) }),
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
  describe.each<[string, Place, number]>([
    ["in memory", here, 400],
    ["in Redis", there, 150],
  ])("counts %s", (_place, place, numRuns) => {
    it("agrees with a slow exact model: what is taken, what remains, and when more fits", async () => {
      const scenario = fc.tuple(someLimits, someStart, fc.array(someStep, { maxLength: 25 }));
      const property = fc.asyncProperty(scenario, async ([{ unit, ...given }, start, steps]) => {
        const limits = given.windows.map((window, i) => limit(window, given.most[i]! * unit));
        const models = limits.map((limit) => new Model(limit));
        const identity = newIdentity();
        const made: {
          id: string;
          amounts: number[];
          starts: number[];
          settle(used: number[]): void;
        }[] = [];
        let now = start;
        for (const {
          amounts,
          each,
          output: { wanted, less },
          advance,
          settle,
        } of steps) {
          now = advanced(now, advance);
          const id = newId();
          const takes = limits.map((limit, i) => wants(limit, amounts[i]! * unit, each[i]! * unit));
          const output = { wanted, least: Math.max(0, wanted - less) };
          const taken = await place.take(identity, takes, now, output, id);
          const corrects = expectAsModelled(taken, takes, models, now, output);
          if (taken.taken && takes.some(({ amount, each }) => amount + each * taken.output > 0)) {
            made.push({
              id,
              amounts: takes.map(({ amount, each }) => amount + each * taken.output),
              starts: taken.limits.map(({ start }) => start),
              settle(used) {
                for (const [i, correct] of corrects.entries()) correct(used[i]!);
              },
            });
          }
          const which = settle ? settle.request % Math.max(1, made.length) : 0;
          const settled = settle && made[which];
          if (!settled) continue;
          const used = settled.amounts.map((amount, i) =>
            amount === 0 ? 0 : settle.used[i]! * unit,
          );
          const corrections = limits.map((limit, i) => ({
            ...{ limit, start: settled.starts[i]! },
            change: used[i]! - settled.amounts[i]!,
          }));
          expect(await place.settle(identity, settled.id, corrections)).toBe(true);
          expect(await place.settle(identity, settled.id, corrections)).toBe(false);
          settled.settle(used);
          made.splice(which, 1);
        }
      });
      await fc.assert(property, { numRuns });
    });

    it("is exact to the millisecond and the unit for amounts up to a million dollars", async () => {
      const scenario = fc.record({
        window: fc.constantFrom("second" as const, "minute" as const, "hour" as const),
        taken: fc.integer({ min: 1, max: 1e15 }),
        share: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        less: fc.integer({ min: 0, max: 1 }),
        into: fc.double({ min: 0, max: 0.3, noNaN: true }),
      });
      const property = fc.asyncProperty(scenario, async ({ window, taken, share, less, into }) => {
        const length = lengths[window]!;
        const start = 1_700_000_000_000 - (1_700_000_000_000 % length);
        const identity = newIdentity();
        const budget = limit(window, 1e15);
        await place.take(identity, [wants(budget, taken)], start);
        // The room is what has slid out at some millisecond, or a unit less: there roundings differ.
        const covered = Math.floor(share * length);
        const room = Number((BigInt(taken) * BigInt(covered)) / BigInt(length)) - less;
        const takes = [wants(budget, Math.min(1e15, 1e15 - room))];
        const model = new Model(budget);
        model.take(start, taken);
        const now = start + length + Math.floor(into * length);
        expectAsModelled(await place.take(identity, takes, now), takes, [model], now);
      });
      await fc.assert(property, { numRuns: 1200 });
    });

    it("corrects what was taken in the bucket before, as far as it still counts", async () => {
      const identity = newIdentity();
      const minute = limit("minute", 100);
      const at = (time: string) => Date.parse(`2026-05-04T12:${time}Z`);
      const remaining = async (time: string, amount = 0, id = newId()) => {
        const { limits } = await place.take(
          identity,
          [wants(minute, amount)],
          at(time),
          noOutput,
          id,
        );
        return limits[0]!.remaining;
      };
      const settle = (id: string, change: number) =>
        place.settle(identity, id, [{ limit: minute, start: at("00:00"), change }]);
      expect(await remaining("00:30", 20, "first")).toBe(80);
      expect(await remaining("00:40", 40, "second")).toBe(40);

      // Three quarters of the bucket before count.
      expect(await remaining("01:15", 1)).toBe(100 - 1 - 45);
      expect(await settle("second", -40)).toBe(true);
      expect(await remaining("01:15")).toBe(100 - 1 - 15);

      expect(await remaining("02:00", 3)).toBe(100 - 3 - 1);
      expect(await settle("first", -20)).toBe(true);
      expect(await remaining("02:00")).toBe(100 - 3 - 1);
    });

    it("takes from all limits or from none", async () => {
      const identity = newIdentity();
      const now = Date.UTC(2026, 4, 4, 12);
      const takes = [wants(limit("minute", 5)), wants(limit("day", 2))];
      const answers = [];
      for (let i = 0; i < 4; i++) answers.push(await place.take(identity, takes, now));

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
      const takes = [wants(limit(window, 1))];
      const take = (time: string) => place.take(identity, takes, Date.parse(time));

      expect((await take(last)).taken).toBe(true);
      expect((await take(last)).limits[0]).toMatchObject({ waitMs: 1, resetMs: 1 });
      expect((await take(first)).taken).toBe(true);
    });

    it("forgets nothing when the clock goes back", async () => {
      const identity = newIdentity();
      const takes = [wants(limit("minute", 1))];
      const now = Date.UTC(2026, 0, 1, 12);

      expect((await place.take(identity, takes, now)).taken).toBe(true);
      const earlier = await place.take(identity, takes, now - 1);
      expect(earlier.taken).toBe(false);
      expect(earlier.limits[0]!.waitMs).toBe(120_001);
    });

    it.each([
      ["a later hour", "America/New_York", 1, "2026-12-01T00:00:00Z"],
      ["an earlier hour", "Asia/Seoul", 1, "2026-12-01T00:00:00Z"],
      ["a later day", "UTC", 5, "2026-12-01T00:00:00Z"],
    ])("remembers what was taken in a month that now begins at %s", async (_, zone, day, end) => {
      const identity = newIdentity();
      const takes = [wants(limit("month", 2))];
      const calendar = calendarOf(zone, day);
      const now = Date.parse("2026-11-20T12:00:00Z");
      const last = Date.parse(end) - 1;

      expect((await place.take(identity, takes, now)).limits[0]!.remaining).toBe(1);
      const after = await place.takeBy(calendar, identity, takes, now);
      expect(after.limits[0]).toMatchObject({ remaining: 0, resetMs: last + 1 - now });
      expect((await place.takeBy(calendar, identity, takes, last)).taken).toBe(false);
      expect((await place.takeBy(calendar, identity, takes, last + 1)).taken).toBe(true);
    });

    it("remembers what was taken when a limit is raised or lowered", async () => {
      const identity = newIdentity();
      const now = Date.UTC(2026, 0, 1);
      const take = (most: number) => place.take(identity, [wants(limit("hour", most))], now);

      expect((await take(1)).taken).toBe(true);
      expect((await take(1)).taken).toBe(false);
      expect((await take(3)).limits[0]!.remaining).toBe(1);
      expect((await take(1)).taken).toBe(false);
      expect((await take(1)).limits[0]!.remaining).toBe(0);
    });

    it("lets exactly 50 of 200 concurrent takes have a budget of 50", async () => {
      const takes = [wants(limit("day", 50))];
      const identity = newIdentity();
      const now = Date.now();
      const answers = await Promise.all(
        Array.from({ length: 200 }, () => place.take(identity, takes, now)),
      );

      expect(answers.filter(({ taken }) => taken)).toHaveLength(50);
    });
  });

  it("ends a month by its calendar that a node began whose clock was behind", async () => {
    const [identity, output] = [newIdentity(), noOutput];
    const takes = [wants(limit("month", 2))];
    const [february, march] = [Date.UTC(2027, 1, 1), Date.UTC(2027, 2, 1)];
    const take = (now: number, local = now) =>
      takeThere({ identity, id: newId(), takes, output }, now, utc, local);

    expect((await take(february + 1, february - 1)).limits[0]!.resetMs).toBeGreaterThan(0);
    expect((await take(february + 2)).limits[0]!.resetMs).toBe(march - february - 2);
    expect((await take(march)).limits[0]!.remaining).toBe(1);
  });
});
