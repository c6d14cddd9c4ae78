// How a Redis is connected to, wherever it is: one server, one that Sentinels name, or a Cluster. A
// client is used once and never reconnects by itself; connection.ts makes the next.

import { readFileSync } from "node:fs";
import { Cluster, Redis } from "ioredis";
import type { Address, RedisOptions, RedisTarget } from "./options";

export type RedisClient = Redis | Cluster;

/** What the options ask for is not there: its message says what. */
export class Misconfigured extends Error {}

/**
 * A client that is not connected yet.
 * @param attempt counted up, so that each begins with another Sentinel: a dead one may take all of
 *   the time that one attempt has
 * @throws Misconfigured
 */
export function openClient(
  target: RedisTarget,
  options: RedisOptions,
  attempt: number,
): RedisClient {
  const access = accessOptions(target, options);
  if ("cluster" in target) return openCluster(target.cluster, access, options);
  if ("host" in target) return new Redis({ ...access, host: target.host, port: target.port });
  const { sentinels, master, sentinelUsername, sentinelPassword } = target;
  const first = attempt % sentinels.length;
  return new Redis({
    ...access,
    sentinels: [...sentinels.slice(first), ...sentinels.slice(0, first)],
    name: master,
    sentinelUsername: sentinelUsername || undefined,
    sentinelPassword: sentinelPassword || undefined,
    sentinelRetryStrategy: () => null,
    sentinelTLS: access.tls,
    enableTLSForSentinelMode: target.tls,
  });
}

export async function connectClient(client: RedisClient, database: number): Promise<void> {
  await client.connect();
  // ioredis goes on in database 0 where the one that it was told is not there.
  if (client instanceof Redis && database > 0) {
    await client.select(database).catch(() => {
      throw new Misconfigured(`it has no database ${database}`);
    });
  }
  // Its nodes are connected to at their first command, for which no request shall wait.
  if (client instanceof Cluster)
    await Promise.all(client.nodes("master").map((node) => node.ping()));
}

/**
 * Writes, by a script that asks for the time, as ours do: a Redis that is full, loading, a replica or a
 * proxy, or whose user may do less, takes connections all the same.
 */
export async function proveClient(client: RedisClient, prefix: string): Promise<void> {
  const write = `redis.call("TIME") return redis.call("SET", KEYS[1], "1", "PX", 1000)`;
  await client.eval(write, 1, `${prefix}:alive`);
}

/** For logs: never a credential. */
export function nameOf(target: RedisTarget): string {
  if ("host" in target) return `${target.host}:${target.port}/${target.database}`;
  if ("cluster" in target) return `cluster ${namesOf(target.cluster)}`;
  return `${target.master}/${target.database} of sentinels ${namesOf(target.sentinels)}`;
}

function namesOf(addresses: Address[]): string {
  return addresses.map(({ host, port }) => `${host}:${port}`).join(",");
}

// ioredis' own retries, resends and offline queue would let requests wait for a dead Redis, or do
// a command twice. RESP 2 is spoken by every Redis, and our replies are the same in RESP 3.
// Automatic pipelines stay off: one-write.ts does the same for less.
function accessOptions(target: RedisTarget, options: RedisOptions) {
  return {
    username: target.username || undefined,
    password: target.password || undefined,
    db: target.database,
    tls: target.tls ? { ca: authority(target) } : undefined,
    connectTimeout: options.connect_timeout_ms,
    // What stands between forgets a connection that is idle for minutes, and tells nobody.
    keepAlive: 30_000,
    connectionName: "kong-llm",
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    disableClientInfo: true,
    protocol: 2 as const,
  };
}

function authority({ caFile }: RedisTarget): Buffer | undefined {
  if (caFile === undefined) return undefined;
  try {
    return readFileSync(caFile);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Misconfigured(`tls_ca_file cannot be read (${code})`);
  }
}

// A command that meets a lost node or a cluster that is down fails at once instead of being tried
// again; only MOVED and ASK are followed. Its nodes have a queue, as ioredis connects to a node (one
// that a slot has moved to) with the command that needs it: the command time-out bounds it.
function openCluster(
  nodes: Address[],
  access: ReturnType<typeof accessOptions>,
  options: RedisOptions,
): Cluster {
  return new Cluster(nodes, {
    redisOptions: access,
    lazyConnect: true,
    enableOfflineQueue: true,
    enableReadyCheck: false,
    clusterRetryStrategy: () => null,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 20,
    slotsRefreshTimeout: options.connect_timeout_ms,
    // A name that a node gives itself is the one in its certificate.
    dnsLookup: (address, found) => found(null, address),
  });
}
