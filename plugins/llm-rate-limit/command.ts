// kong-llm limits: what somebody has taken of the limits in a Redis, and how to give it back. The
// command line finds this file by its name (server/plugin-commands.ts).

import { type Command, Option } from "commander";
import { closeConnections, connectionTo, type RedisConnection } from "../../redis/connection";
import { type RedisOptions, redisOptions } from "../../redis/options";
import { identityKeys } from "./identity";
import { accountsOf, forget } from "./ledger";
import type { RateLimitOptions } from "./schema";

interface Flags {
  redisUrl?: string;
  prefix: string;
  by: RateLimitOptions["limit_by"];
  header: string;
}

export function addCommand(program: Command): void {
  const limits = program.command("limits").description("look into the limits counted in a Redis");
  onIdentity(limits.command("show"))
    .description("print what somebody has taken of each limit, as JSON")
    .action((name: string, flags: Flags) => onRedis(flags, name, show));
  onIdentity(limits.command("reset"))
    .description("forget what somebody has taken, so that all limits are free again")
    .action((name: string, flags: Flags) => onRedis(flags, name, reset));
}

const kinds = ["consumer", "credential", "ip", "header", "route", "service"];

function onIdentity(command: Command): Command {
  return command
    .argument("<consumer>", "username or custom_id; with --by the value of that kind")
    .addOption(new Option("--by <kind>", "as limit_by").choices(kinds).default("consumer"))
    .option("--header <name>", "as header_name, with --by header", "")
    .option("--redis-url <url>", "redis://USER:PASSWORD@HOST:PORT/DATABASE, or REDIS_URL")
    .option("--prefix <text>", "what the keys begin with, as redis.prefix", "kong-llm");
}

type Work = (connection: RedisConnection, prefix: string, identities: string[]) => Promise<void>;

const show: Work = async (connection, prefix, identities) => {
  const accounts = await Promise.all(
    identities.map((identity) => accountsOf(connection, prefix, identity)),
  );
  process.stdout.write(`${JSON.stringify(accounts.flat(), undefined, 2)}\n`);
};

const reset: Work = async (connection, prefix, identities) => {
  let limits = 0;
  for (const identity of identities) limits += await forget(connection, prefix, identity);
  process.stdout.write(`reset ${limits} ${limits === 1 ? "limit" : "limits"}\n`);
};

async function onRedis(
  { redisUrl, prefix, by, header }: Flags,
  name: string,
  work: Work,
): Promise<void> {
  const connection = connectionTo(optionsOf(redisUrl ?? process.env.REDIS_URL ?? "", prefix))!;
  try {
    await work(connection, prefix, identityKeys(by, name, header));
  } finally {
    closeConnections();
  }
}

const noRedis =
  "no Redis is named: give --redis-url or set REDIS_URL. Counts of policy local are in the memory of " +
  "each plugin server: restart it to forget them.";

/** @throws Error that does not show the address: it may hold a password */
function optionsOf(url: string, prefix: string): RedisOptions {
  if (url === "") throw new Error(noRedis);
  // Kong resolves vault references, and we are not behind it.
  if (!redisOptions.shape.url.safeParse(url).success || url.startsWith("{")) {
    throw new Error("a Redis' address is redis://HOST:PORT/DATABASE, or rediss:// for TLS");
  }
  if (!redisOptions.shape.prefix.safeParse(prefix).success) {
    throw new Error("--prefix must hold no braces: they choose the slot of a key");
  }
  // An operator waits longer than a request.
  return redisOptions.parse({ url, prefix, connect_timeout_ms: 5000, command_timeout_ms: 30_000 });
}
