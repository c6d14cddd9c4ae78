// What the operator sees of a Redis: each change of its state once in the log, its state in
// /readyz and as a gauge. The connection itself (redis/) knows nothing of logs.

import { Gauge } from "prom-client";
import { connectionTo, type RedisConnection } from "../redis/connection";
import type { RedisOptions } from "../redis/options";
import { log } from "./log";
import { showNeighbour } from "./neighbours";
import type { StageName } from "./stage-name";

const up = new Gauge({
  name: "llm_redis_up",
  help: "1 while the Redis at this address answers in time, 0 while the stages work without it",
  labelNames: ["address"] as const,
});

const shown = new WeakSet<RedisConnection>();
const without = new Set<StageName>();

/**
 * The shared connection to the Redis of these options, made visible to the operator. Undefined
 * where they name none: the stage then works in the memory of this process, which is said once.
 */
export function redisNeighbour(
  stage: StageName,
  options: RedisOptions,
): RedisConnection | undefined {
  const connection = connectionTo(options);
  if (connection) showConnection(connection);
  else showAbsence(stage);
  return connection;
}

function showConnection(connection: RedisConnection): void {
  if (shown.has(connection)) return;
  shown.add(connection);
  const { address } = connection;
  showNeighbour(`redis ${address}`, () => ({
    ok: connection.state === "up",
    detail: `Redis is ${connection.state}${connection.reason ? `: ${connection.reason}` : ""}.`,
  }));
  up.set({ address }, connection.state === "up" ? 1 : 0);
  connection.watch(({ state, reason }) => {
    up.set({ address }, state === "up" ? 1 : 0);
    if (state === "up") log.info({ redis: address }, "redis is up");
    else log.warn({ redis: address, reason }, "redis is down");
  });
}

function showAbsence(stage: StageName): void {
  if (without.has(stage)) return;
  without.add(stage);
  const detail = "No Redis is configured: each plugin server counts and stores in its own memory.";
  showNeighbour(`redis for ${stage}`, () => ({ ok: false, detail }));
  log.warn({ stage }, "policy redis without a Redis: working in the memory of this process");
}
