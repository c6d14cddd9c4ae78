// How a command of the command line names its Redis, whatever it does there: flags, environment, and
// errors that show no address, as that may hold a password.

import { type Command, Option } from "commander";
import { closeConnections, connectionTo, type RedisConnection } from "../redis/connection";
import { type RedisOptions, redisOptions } from "../redis/options";

export interface RedisFlags {
  redisUrl?: string;
  redis?: string;
  prefix?: string;
}

// An operator waits longer than a request.
const timeouts = { connect_timeout_ms: 5000, command_timeout_ms: 10_000 };

export function withRedisFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--redis-url <url>", "redis://USER:PASSWORD@HOST:PORT/DATABASE").env("REDIS_URL"),
    )
    .addOption(
      new Option(
        "--redis <json>",
        "in place of a URL: the record `redis` of the plugin's config, as for Sentinels or a Cluster",
      ).env("KONG_LLM_REDIS"),
    )
    .option("--prefix <text>", "what the keys begin with, as redis.prefix (default: kong-llm)");
}

/**
 * Works on the Redis that the flags name, and hangs up. `whereNot` says what an operator without a
 * Redis can do instead.
 *
 * @throws Error that says which flag is wrong; RedisUnavailable
 */
export async function onRedis(
  flags: RedisFlags,
  whereNot: string,
  work: (connection: RedisConnection, prefix: string) => Promise<void>,
): Promise<void> {
  const options = optionsOf(flags);
  const connection = connectionTo(options);
  if (!connection)
    throw new Error(`no Redis is named: give --redis-url or set REDIS_URL. ${whereNot}`);
  try {
    await work(connection, options.prefix);
  } finally {
    closeConnections();
  }
}

function optionsOf({ redisUrl = "", redis, prefix }: RedisFlags): RedisOptions {
  const place = redis === undefined ? { url: redisUrl } : recordIn(redis);
  const named = prefix === undefined ? {} : { prefix };
  const options = redisOptions.safeParse({ ...place, ...timeouts, ...named });
  if (!options.success) {
    const wrong = options.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
    throw new Error(`the Redis is not named as it must be: ${wrong.join("; ").trim()}`);
  }
  if (options.data.url.startsWith("{vault:")) {
    throw new Error("the Redis is not named as it must be: only Kong resolves vault references");
  }
  return options.data;
}

function recordIn(json: string): object {
  try {
    const record: unknown = JSON.parse(json);
    if (typeof record === "object" && record !== null) return record;
  } catch {
    // What stands in it is not for an error's message.
  }
  throw new Error('--redis must be a JSON object, such as {"cluster_nodes": ["HOST:PORT"]}');
}
