// Where a Redis is and how long it may take: the record `redis` in the options of every plugin that
// can count or store in one, and the target that it names.

import { z } from "zod";

export const redisOptions = z.object({
  url: z
    .string()
    .refine(isRedisUrl, "must be redis://HOST:PORT/DATABASE, or rediss:// for TLS")
    .default("")
    .meta({
      referenceable: true,
      description:
        "Address as redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS; it wins over host. Neither url nor host: no Redis.",
    }),
  host: z.string().default("").describe("Name or address of the Redis, where no url is given."),
  port: z.int().min(1).max(65535).default(6379).describe("TCP port of the Redis at host."),
  username: z
    .string()
    .default("")
    .meta({ referenceable: true, description: "User of Redis' access control list, if any." }),
  password: z
    .string()
    .default("")
    .meta({ referenceable: true, description: "Password of that user, or of the Redis itself." }),
  database: z.int().min(0).max(65535).default(0).describe("Number of the database in the Redis."),
  tls: z
    .boolean()
    .default(false)
    .describe("Speak TLS and check the certificate of the Redis against the system's authorities."),
  prefix: z
    .string()
    .regex(/^[^{}]*$/, "must not hold braces: they choose the slot of a key")
    .default("kong-llm")
    .describe("Every key that is written starts with this and a colon."),
  connect_timeout_ms: z
    .int()
    .min(1)
    .max(60_000)
    .default(500)
    .describe("Milliseconds that connecting may take, the login included."),
  command_timeout_ms: z
    .int()
    .min(1)
    .max(60_000)
    .default(100)
    .describe("Milliseconds that one command may take before the Redis counts as unavailable."),
});

export type RedisOptions = z.output<typeof redisOptions>;

export interface RedisTarget {
  host: string;
  port: number;
  username: string;
  password: string;
  database: number;
  tls: boolean;
}

/** The Redis that the options name; undefined where they name none. */
export function redisTarget(options: RedisOptions): RedisTarget | undefined {
  if (options.url !== "") return targetOfUrl(options);
  if (options.host === "") return undefined;
  const { host, port, username, password, database, tls } = options;
  return { host, port, username, password, database, tls };
}

/** What the url leaves open is taken from the other options. */
function targetOfUrl(options: RedisOptions): RedisTarget {
  const url = new URL(options.url);
  const database = url.pathname.slice(1);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 6379 : Number(url.port),
    username: decodeURIComponent(url.username) || options.username,
    password: decodeURIComponent(url.password) || options.password,
    database: database === "" ? options.database : Number(database),
    tls: options.tls || url.protocol === "rediss:",
  };
}

// A file on disk holds the reference; what Kong hands to the plugin is its value.
function isRedisUrl(value: string): boolean {
  if (value === "" || value.startsWith("{vault://")) return true;
  if (!/^rediss?:\/\/[^/]/.test(value) || !URL.canParse(value)) return false;
  const { hostname, pathname, username, password } = new URL(value);
  return hostname !== "" && /^\/?\d*$/.test(pathname) && isEncoded(username + password);
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
