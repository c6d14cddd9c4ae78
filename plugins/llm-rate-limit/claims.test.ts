import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { closeConnections } from "../../redis/connection";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { connectTo, prefix } from "../../test/support/taking";
import { type Claims, claimsInMemory, claimsInRedis, leaseMs } from "./claims";

let redis: TestRedis;
let inRedis: Claims;
let names = 0;

beforeAll(async () => {
  redis = await startRedis({ shared: true });
  inRedis = claimsInRedis(connectTo(redis), prefix);
}, 60_000);
afterAll(async () => {
  closeConnections();
  await redis.stop();
});
afterEach(() => {
  vi.useRealTimers();
});

const places: [string, () => Claims][] = [
  ["in memory", () => claimsInMemory],
  ["in Redis", () => inRedis],
];

const newName = () => `{test}:notice:${++names}`;
const hour = 3_600_000;

describe("llm-rate-limit", () => {
  describe.each(places)("who may tell a share, kept %s", (_, open) => {
    it("is one of many who ask at once; the others wait until it gives up", async () => {
      const name = newName();
      const asked = await Promise.all(
        Array.from({ length: 50 }, () => open().claim(name, 0.5, hour)),
      );
      expect(asked.filter((claim) => claim === 0)).toHaveLength(1);
      for (const claim of asked.filter((claim) => claim !== 0)) {
        expect(claim).toBeGreaterThan(leaseMs / 2);
        expect(claim).toBeLessThanOrEqual(leaseMs);
      }
    });

    it("is nobody once it is told, nor for a smaller share; another one for a larger share", async () => {
      const name = newName();
      expect(await open().claim(name, 0.8, hour)).toBe(0);
      await open().confirm(name, 0.8, hour);
      expect(await open().claim(name, 0.8, hour)).toBe("told");
      expect(await open().claim(name, 0.5, hour)).toBe("told");
      expect(await open().claim(name, 1, hour)).toBe(0);
      await open().confirm(name, 1, hour);
      await open().confirm(name, 0.5, hour);
      expect(await open().claim(name, 1, hour)).toBe("told");
    });
  });

  it("is another one after a minute, kept in memory", async () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 20) });
    const name = newName();
    expect(await claimsInMemory.claim(name, 0.5, hour)).toBe(0);
    vi.advanceTimersByTime(leaseMs);
    expect(await claimsInMemory.claim(name, 0.5, hour)).toBe(0);
    expect(await claimsInMemory.claim(name, 0.5, hour)).toBe(leaseMs);
  });

  it("is kept in Redis no longer than anybody may ask", async () => {
    const name = newName();
    const connection = connectTo(redis);
    const left = () => connection.run((client) => client.pttl(`${prefix}:limit:${name}`));
    await inRedis.claim(name, 0.5, hour);
    expect(await left()).toBeGreaterThan(hour - 60_000);
    expect(await left()).toBeLessThanOrEqual(hour);
    await inRedis.confirm(name, 0.5, 2 * hour);
    expect(await left()).toBeGreaterThan(2 * hour - 60_000);
    expect(await left()).toBeLessThanOrEqual(2 * hour);
  });
});
