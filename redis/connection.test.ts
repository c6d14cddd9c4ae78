import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startRedis, type TestRedis } from "../test/support/redis";
import { becomes } from "../test/support/redis-connection";
import {
  closeConnections,
  connectionTo,
  type RedisConnection,
  RedisUnavailable,
} from "./connection";
import { redisOptions } from "./options";

let redis: TestRedis;
const password = "not-in-any-message";

beforeAll(async () => {
  redis = await startRedis({ arguments: ["--requirepass", password] });
}, 60_000);
afterAll(() => redis.stop());
afterEach(() => closeConnections());

function connect(options: object = {}): RedisConnection {
  const timeouts = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
  return connectionTo(redisOptions.parse({ url: redis.url, password, ...timeouts, ...options }))!;
}

const get = (connection: RedisConnection) => connection.run((client) => client.get("a"));

function connectionsIn(info: string): number {
  return Number(/total_connections_received:(\d+)/.exec(info)![1]);
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail("nothing failed"),
    (error) => error as Error,
  );
}

describe("redis", () => {
  describe("a connection", () => {
    it("is shared by all who name the same Redis with the same credentials", () => {
      expect(connect()).toBe(connect());
      expect(connect()).not.toBe(connect({ database: 1 }));
      expect(connect()).not.toBe(connect({ password: "another" }));
    });

    it("is down for a database that is not there, and says so", async () => {
      const connection = connect({ database: 99 });
      await expect(get(connection)).rejects.toThrow("unavailable");
      expect(connection).toMatchObject({ state: "down", reason: expect.stringContaining("99") });
    });

    it("runs commands, and waits for the first connection to do so", async () => {
      const connection = connect();
      expect(connection.state).toBe("connecting");
      expect(await connection.run((client) => client.set("a", "1"))).toBe("OK");
      expect(await get(connection)).toBe("1");
    });

    it("costs a request the command time-out once when Redis is frozen, and the next nothing", async () => {
      const connection = connect({ command_timeout_ms: 2000 });
      await get(connection);
      const sent: number[] = [];
      const ask = () =>
        connection.run((client) => {
          sent.push(Date.now());
          return client.get("a");
        });
      redis.freeze();
      try {
        expect((await failure(ask())).message).toMatch(/no answer within 2000 ms$/);
        expect(await failure(ask())).toBeInstanceOf(RedisUnavailable);
        expect(sent).toHaveLength(1);
      } finally {
        redis.thaw();
      }
      await becomes(connection, "up");
      await get(connection);
    });

    it("tells each change of state once, with its reason, however many requests fail", async () => {
      const connection = connect({ prefix: "told-once" });
      const states: unknown[] = [];
      connection.watch(({ state, reason }) => states.push([state, reason]));
      await get(connection);
      const down = becomes(connection, "down");
      await redis.stop();
      await down;
      await Promise.all([1, 2, 3].map(() => failure(get(connection))));
      const up = becomes(connection, "up");
      await redis.restart();
      await up;

      expect(states).toEqual([
        ["up", undefined],
        ["down", expect.stringMatching(/^the connection /)],
        ["up", undefined],
      ]);
      expect(await get(connection)).toBeNull();
    });

    it("is opened again at once, and stays up, when it was closed while nobody asked", async () => {
      const connection = connect({ prefix: "idle" });
      const admin = connect({ prefix: "admin" });
      await get(connection);
      await get(admin);
      const changes: string[] = [];
      connection.watch(({ state }) => changes.push(state));
      const received = () => admin.run((client) => client.info("stats")).then(connectionsIn);
      const before = await received();
      // As `timeout 300` of a Redis, or a proxy, does to what is idle.
      await admin.run((client) => client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
      await expect.poll(received).toBeGreaterThan(before);
      expect(await get(connection)).toBeNull();
      expect(changes).toEqual([]);
    });

    it("never sends twice what was under way when the connection broke", async () => {
      const connection = connect();
      await connection.run((client) => client.set("counted", "0"));
      redis.freeze();
      const lost = failure(connection.run((client) => client.incr("counted")));
      await redis.restart();
      expect(await lost).toBeInstanceOf(RedisUnavailable);
      await becomes(connection, "up");

      expect(await connection.run((client) => client.get("counted"))).toBeNull();
    });

    it("is down, and says why without the password, when Redis refuses it", async () => {
      const connection = connect({ password: "wrong-and-secret" });
      const error = await failure(get(connection));

      expect(error).toBeInstanceOf(RedisUnavailable);
      expect(error.message).toBe(
        `Redis at 127.0.0.1:${redis.port}/0 is unavailable: Redis answers WRONGPASS`,
      );
      expect(JSON.stringify(Object.getOwnPropertyDescriptors(error))).not.toContain("secret");
    });

    it("is down when nobody listens there", async () => {
      const connection = connect({ url: "redis://127.0.0.1:1" });
      expect((await failure(get(connection))).message).toMatch(/fails with ECONNREFUSED$/);
    });

    it("is down when Redis is full, and stays so until it can be written again", async () => {
      const admin = connect({ prefix: "admin" });
      const connection = connect();
      await get(connection);
      await admin.run((client) => client.config("SET", "maxmemory", "1"));
      const down = becomes(connection, "down");
      const error = await failure(connection.run((client) => client.set("a", "1")));
      expect(error.message).toMatch(/Redis answers OOM$/);
      await down;
      const up = becomes(connection, "up");
      await admin.run((client) => client.config("SET", "maxmemory", "0"));
      await up;

      expect(await connection.run((client) => client.set("a", "1"))).toBe("OK");
    });

    it.each([
      ["MOVED", "MOVED 866 10.0.0.7:6379"],
      // As Redis 6 tells what a script met.
      [
        "READONLY",
        "ERR Error running script (call to f_6b1b): @user_script:38: @user_script: 38: -READONLY You can't write against a read only replica.",
      ],
      [
        "OOM",
        "ERR Error running script (call to f_6b1b): @user_script:7: @user_script: 7: -OOM command not allowed when used memory > 'maxmemory'.",
      ],
    ])("is down when Redis answers %s", async (code, reply) => {
      const connection = connect();
      const answer = connection.run((client) =>
        client.eval("return redis.error_reply(ARGV[1])", 0, reply),
      );
      expect(await failure(answer)).toBeInstanceOf(RedisUnavailable);
      expect(connection).toMatchObject({ state: "down", reason: `Redis answers ${code}` });
    });

    it.each([
      // Upstash, of an account whose requests of the day, or of the month, are used.
      ["ERR", "ERR max daily request limit exceeded. Limit: 10000, Usage: 10001."],
      ["ERR", "ERR max requests limit exceeded. Limit: 500000, Usage: 500000."],
      // A proxy whose Redis is gone: Envoy, twemproxy.
      ["no", "no upstream host"],
      ["ERR", "ERR Connection refused"],
      ["TRYAGAIN", "TRYAGAIN Multiple keys request during rehashing of slot"],
    ])("is down, and no request fails for it, when Redis answers %s: %s", async (code, reply) => {
      const server = createServer((socket) => {
        socket.on("data", (asked) =>
          socket.write(/get/i.test(`${asked}`) ? `-${reply}\r\n` : "+OK\r\n"),
        );
      }).listen(0, "127.0.0.1");
      try {
        await once(server, "listening");
        const { port } = server.address() as { port: number };
        const connection = connect({ url: `redis://127.0.0.1:${port}`, password: "" });
        expect(await failure(get(connection))).toBeInstanceOf(RedisUnavailable);
        expect(connection).toMatchObject({ state: "down", reason: `Redis answers ${code}` });
      } finally {
        closeConnections();
        server.close();
      }
    });

    it("stays up when one value is too large for it", async () => {
      const connection = connect();
      const reply = "ERR max request size exceeded. Limit: 1048576 bytes, Actual: 2000000 bytes.";
      const answer = connection.run((client) =>
        client.eval("return redis.error_reply(ARGV[1])", 0, reply),
      );
      expect(await failure(answer)).not.toBeInstanceOf(RedisUnavailable);
      expect(connection.state).toBe("up");
    });

    it("stays up when a script is our own mistake", async () => {
      const connection = connect();
      const reply =
        "ERR Error running script (call to f_6b1b): @user_script:1: user_script:1: attempt to index a nil value ";
      const answer = connection.run((client) =>
        client.eval("return redis.error_reply(ARGV[1])", 0, reply),
      );
      expect(await failure(answer)).not.toBeInstanceOf(RedisUnavailable);
      expect(connection.state).toBe("up");
    });

    it("stays up when a command is our own mistake, and keeps its arguments out of the error", async () => {
      const connection = connect();
      const error = await failure(connection.run((client) => client.call("NONSENSE", "prompt")));

      expect(error).not.toBeInstanceOf(RedisUnavailable);
      expect(error.message).toBe("Redis refuses a command: ERR unknown command 'NONSENSE'");
      expect(Object.keys(error)).toEqual([]);
      expect(connection.state).toBe("up");
    });

    it("leaves a dead Redis alone while nobody asks for it, and tries again when somebody does", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
      const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
      try {
        let attempts = 0;
        server.on("connection", () => attempts++);
        await once(server, "listening");
        const { port } = server.address() as { port: number };
        const connection = connect({ url: `redis://127.0.0.1:${port}` });
        await failure(get(connection));
        vi.setSystemTime(Date.now() + 61_000);
        vi.advanceTimersByTime(1000);
        expect(vi.getTimerCount()).toBe(0);
        const second = once(server, "connection");
        expect(await failure(get(connection))).toBeInstanceOf(RedisUnavailable);
        await second;
        expect(attempts).toBe(2);
      } finally {
        vi.useRealTimers();
        server.close();
      }
    });
  });
});
