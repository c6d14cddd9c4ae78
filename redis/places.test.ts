import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startRedis, startSentinel, type TestRedis } from "../test/support/redis";
import { becomes } from "../test/support/redis-connection";
import { closeConnections, connectionTo, type RedisConnection } from "./connection";
import { redisOptions } from "./options";

const atOnce = ["--repl-diskless-sync-delay", "0"];
const timeouts = { connect_timeout_ms: 10_000, command_timeout_ms: 10_000 };

function connect(options: object): RedisConnection {
  return connectionTo(redisOptions.parse({ ...timeouts, ...options }))!;
}

const set = (connection: RedisConnection, key: string, value: string) =>
  connection.run((client) => client.set(key, value));
const get = (connection: RedisConnection, key: string) =>
  connection.run((client) => client.get(key));

async function admin<T>(redis: TestRedis, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(redis.url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}

afterEach(() => closeConnections());

describe("redis", () => {
  describe("behind Sentinels", () => {
    it("is found again after a failover, with what it held, and told by the Sentinels' name", async () => {
      const first = await startRedis({ arguments: atOnce });
      const second = await startRedis({ arguments: ["--replicaof", `127.0.0.1 ${first.port}`] });
      const sentinel = await startSentinel(first, "limits");
      try {
        // The first of them is not there: the others are asked, too.
        const sentinel_nodes = ["127.0.0.1:1", `127.0.0.1:${sentinel.port}`];
        const connection = connect({ sentinel_nodes, sentinel_master: "limits" });
        expect(connection.address).toBe(`limits/0 of sentinels ${sentinel_nodes.join(",")}`);
        await set(connection, "kept", "1");
        const copied = () => admin(second, (client) => client.get("kept"));
        await expect.poll(copied).toBe("1");
        const discovered = () =>
          admin({ ...first, url: `redis://127.0.0.1:${sentinel.port}` }, (client) =>
            client.call("SENTINEL", "REPLICAS", "limits"),
          );
        await expect.poll(discovered).toHaveLength(1);

        const upAgain = becomes(connection, "down").then(() => becomes(connection, "up"));
        await first.stop();
        const asking = setInterval(() => void get(connection, "kept").catch(() => {}), 50);
        await upAgain;
        clearInterval(asking);
        expect(await get(connection, "kept")).toBe("1");
        expect(await set(connection, "new", "2")).toBe("OK");
      } finally {
        await Promise.all([sentinel, second, first].map((server) => server.stop()));
      }
    });

    it("is down, and says so, when no Sentinel answers", async () => {
      const connection = connect({ sentinel_nodes: ["127.0.0.1:1"], sentinel_master: "limits" });
      await expect(get(connection, "a")).rejects.toThrow(/no Sentinel tells where it is$/);
    });
  });

  describe("as a Cluster", () => {
    it("serves keys of every node, and after the death of one those of its replica", async () => {
      const clustered = {
        arguments: ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", ...atOnce],
      };
      const [one, two, spare] = (await Promise.all([1, 2, 3].map(() => startRedis(clustered)))) as [
        TestRedis,
        TestRedis,
        TestRedis,
      ];
      try {
        await formCluster(one, two, spare);
        const connection = connect({ cluster_nodes: [`127.0.0.1:${one.port}`] });
        for (const key of ["{b}", "{a}", "{c}", "{d}"])
          expect(await set(connection, key, key)).toBe("OK");
        const held = (redis: TestRedis) => admin(redis, (client) => client.dbsize());
        expect(await held(one)).toBeGreaterThan(0);
        expect(await held(two)).toBeGreaterThan(0);
        await expect.poll(() => held(spare)).toBe(await held(two));

        const down = becomes(connection, "down");
        await two.stop();
        const asking = setInterval(() => {
          for (const key of ["{a}", "{b}"]) get(connection, key).catch(() => {});
        }, 50);
        await down;
        const up = becomes(connection, "up");
        await admin(spare, (client) => client.cluster("FAILOVER", "TAKEOVER"));
        await up;
        clearInterval(asking);
        for (const key of ["{a}", "{b}", "{c}", "{d}"]) {
          await expect.poll(() => get(connection, key).catch(() => undefined)).toBe(key);
        }
      } finally {
        await Promise.all([one, two, spare].map((server) => server.stop()));
      }
    });
  });

  describe("over TLS", () => {
    let redis: TestRedis;
    let directory: string;
    beforeAll(async () => {
      redis = await startRedis();
      directory = mkdtempSync(join(tmpdir(), "kong-llm-tls-"));
      makeCertificate(directory);
    });
    afterAll(async () => {
      await redis.stop();
      rmSync(directory, { recursive: true });
    });

    it("is believed when the operator's authority has signed its certificate, else not", async () => {
      const [key, cert] = ["key.pem", "cert.pem"].map((name) =>
        readFileSync(join(directory, name)),
      );
      const server = createServer({ key, cert }, (socket) => {
        const plain = connectPlain(redis.port, "127.0.0.1");
        socket.pipe(plain).pipe(socket);
        for (const side of [socket, plain]) side.on("error", () => {});
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      try {
        const url = `rediss://localhost:${port}`;
        const trusting = connect({ url, tls_ca_file: join(directory, "cert.pem") });
        expect(await set(trusting, "a", "1")).toBe("OK");
        const strict = connect({ url });
        await expect(get(strict, "a")).rejects.toThrow(/fails with DEPTH_ZERO_SELF_SIGNED_CERT$/);
        const mistaken = connect({ url, tls_ca_file: join(directory, "absent.pem") });
        await expect(get(mistaken, "a")).rejects.toThrow(/tls_ca_file cannot be read \(ENOENT\)$/);
      } finally {
        closeConnections();
        server.close();
      }
    });
  });

  describe("with an access list", () => {
    // As docs/redis.md says it.
    const needed = ["+@read", "+@write", "+@scripting", "+@connection", "+time"];

    it("lets the user in who may do what the plugins do, and nobody else", async () => {
      const redis = await startRedis();
      try {
        await admin(redis, (client) =>
          client.acl("SETUSER", "limits", "on", ">secret", "~kong-llm:*", ...needed),
        );
        const allowed = connect({ url: redis.url, username: "limits", password: "secret" });
        expect(await set(allowed, "kong-llm:a", "1")).toBe("OK");
        await expect(set(allowed, "other:a", "1")).rejects.toThrow(/Redis answers NOPERM$/);
      } finally {
        await redis.stop();
      }
    });

    it.each(["-eval", "-time", "-set"])(
      "is down, and not up and down each second, for a user of %s",
      async (withheld) => {
        const redis = await startRedis();
        try {
          await admin(redis, (client) =>
            client.acl("SETUSER", "limits", "on", ">secret", "~*", ...needed, withheld),
          );
          const refused = connect({ url: redis.url, username: "limits", password: "secret" });
          await expect(get(refused, "a")).rejects.toThrow(/Redis answers NOPERM$/);
        } finally {
          await redis.stop();
        }
      },
    );

    it("is down when a script of ours may not do what it does", async () => {
      const redis = await startRedis();
      try {
        await admin(redis, (client) =>
          client.acl("SETUSER", "limits", "on", ">secret", "~*", ...needed, "-hset"),
        );
        const allowed = connect({ url: redis.url, username: "limits", password: "secret" });
        const writing = allowed.run((client) =>
          client.eval(`return redis.call("HSET", KEYS[1], "a", "1")`, 1, "a"),
        );
        await expect(writing).rejects.toThrow(/is unavailable: Redis answers NOPERM$/);
      } finally {
        await redis.stop();
      }
    });
  });
});

async function formCluster(one: TestRedis, two: TestRedis, spare: TestRedis): Promise<void> {
  await admin(one, (client) => client.cluster("ADDSLOTSRANGE", 0, 8191));
  await admin(two, (client) => client.cluster("ADDSLOTSRANGE", 8192, 16383));
  await admin(one, (client) => client.cluster("MEET", "127.0.0.1", two.port));
  await admin(one, (client) => client.cluster("MEET", "127.0.0.1", spare.port));
  const isFormed = (redis: TestRedis) =>
    admin(redis, async (client) => {
      const info = String(await client.cluster("INFO"));
      return info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3");
    });
  for (const redis of [one, two, spare]) {
    await expect.poll(() => isFormed(redis)).toBe(true);
  }
  const id = await admin(two, (client) => client.cluster("MYID"));
  await admin(spare, (client) => client.cluster("REPLICATE", String(id)));
  const isReplica = () => admin(spare, async (client) => String(await client.info("replication")));
  await expect.poll(isReplica).toContain("master_link_status:up");
}

/** A certificate that signs itself, for localhost. Needs the program openssl. */
function makeCertificate(directory: string): void {
  const made = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", "-x509", ...made, ...subject, "-days", "2"], {
    cwd: directory,
    stdio: "ignore",
  });
}
