// Where a Redis is and how long it may take: the record `redis` in the options of every plugin that
// can count or store in one, and the target that it names.

import { z } from "zod";

const node = z.string().regex(/^(?:[^:\s]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/, "must be HOST:PORT");

const fields = z.object({
  url: z
    .string()
    .refine(isRedisUrl, { error: ({ input }) => addressFault(String(input)) })
    .refine(isReadWhole, {
      message:
        "must have nothing behind the database but ?db=NUMBER: percent-encode what is special in a password (# as %23, ? as %3F), set other options by their own names",
    })
    .default("")
    .meta({
      referenceable: true,
      description:
        "Address as redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS; it wins over host. None of url, host, sentinel_nodes and cluster_nodes: no Redis.",
    }),
  host: z
    .string()
    .refine(
      isBareHost,
      "must be a name or an address alone: the port goes into port, a redis:// address into url",
    )
    .default("")
    .describe("Name or address of the Redis, where no url is given."),
  port: z.int().min(1).max(65535).default(6379).describe("TCP port of the Redis at host."),
  sentinel_nodes: z
    .array(node)
    .default([])
    .describe("Sentinels as HOST:PORT that know where the Redis is, in place of url and host."),
  sentinel_master: z
    .string()
    .default("")
    .describe("Name under which the Sentinels know the Redis."),
  sentinel_username: z
    .string()
    .default("")
    .meta({ referenceable: true, description: "User of the Sentinels, if they ask for one." }),
  sentinel_password: z
    .string()
    .default("")
    .meta({ referenceable: true, description: "Password of the Sentinels, if they ask for one." }),
  cluster_nodes: z
    .array(node)
    .default([])
    .describe(
      "Some nodes of a Redis Cluster as HOST:PORT, in place of url and host; the others are found.",
    ),
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
    .describe(
      "Speak TLS, with the Sentinels too, and check certificates against the system's authorities or `tls_ca_file`.",
    ),
  tls_ca_file: z
    .string()
    .default("")
    .describe(
      "File in PEM, as the plugin server sees it, of the authority that signs the Redis' certificate; read at each connection. Without it, the system's authorities.",
    ),
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

export const redisOptions = fields
  .refine(({ url, host, sentinel_nodes, cluster_nodes }) => {
    const places = [url !== "" || host !== "", sentinel_nodes.length > 0, cluster_nodes.length > 0];
    return places.filter(Boolean).length < 2;
  }, "must name one Redis: by url or host, by sentinel_nodes, or by cluster_nodes")
  .refine(({ sentinel_nodes, sentinel_master }) => {
    return sentinel_nodes.length > 0 === (sentinel_master !== "");
  }, "must have sentinel_nodes and sentinel_master together")
  .refine(({ cluster_nodes, database }) => cluster_nodes.length === 0 || database === 0, {
    path: ["database"],
    message: "must be 0 in a Redis Cluster, which has no others",
  })
  .meta({
    // A url may be a vault reference that turns out to be empty, so nothing is said of it here.
    entity_checks: [
      { mutually_exclusive: ["host", "sentinel_nodes", "cluster_nodes"] },
      { mutually_required: ["sentinel_nodes", "sentinel_master"] },
      {
        conditional: {
          ...{ if_field: "cluster_nodes", if_match: { len_min: 1 } },
          ...{ then_field: "database", then_match: { eq: 0 } },
          then_err: "database must be 0 in a Redis Cluster, which has no others",
        },
      },
    ],
  });

export type RedisOptions = z.output<typeof redisOptions>;

export interface Address {
  host: string;
  port: number;
}

/** Where a Redis is, and what it takes to be let in. */
export type RedisTarget = Place & {
  username: string;
  password: string;
  database: number;
  tls: boolean;
  /** In PEM; undefined for the authorities of the system. */
  caFile?: string;
};

type Place =
  | Address
  | { sentinels: Address[]; master: string; sentinelUsername: string; sentinelPassword: string }
  | { cluster: Address[] };

/** The Redis that the options name; undefined where they name none. */
export function redisTarget(options: RedisOptions): RedisTarget | undefined {
  if (options.url !== "") return targetOfUrl(options);
  const place = placeOf(options);
  if (!place) return undefined;
  const { username, password, database, tls, tls_ca_file } = options;
  return { ...place, username, password, database, tls, caFile: tls_ca_file || undefined };
}

function placeOf(options: RedisOptions): Place | undefined {
  const { host, port, sentinel_nodes, cluster_nodes } = options;
  if (host !== "") return { host: bare(host), port };
  if (cluster_nodes.length > 0) return { cluster: cluster_nodes.map(addressOf) };
  if (sentinel_nodes.length === 0) return undefined;
  return {
    sentinels: sentinel_nodes.map(addressOf),
    master: options.sentinel_master,
    sentinelUsername: options.sentinel_username,
    sentinelPassword: options.sentinel_password,
  };
}

function addressOf(node: string): Address {
  const colon = node.lastIndexOf(":");
  return { host: bare(node.slice(0, colon)), port: Number(node.slice(colon + 1)) };
}

/** An IPv6 address without the brackets that it has in front of a port. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** What the url leaves open is taken from the other options. */
function targetOfUrl(options: RedisOptions): RedisTarget {
  const url = new URL(options.url);
  const database = databaseIn(url);
  return {
    host: bare(url.hostname),
    port: url.port === "" ? 6379 : Number(url.port),
    username: decodeURIComponent(url.username) || options.username,
    password: decodeURIComponent(url.password) || options.password,
    database: database ?? options.database,
    tls: options.tls || /^(?:redis|valkey)s:$/.test(url.protocol),
    caFile: options.tls_ca_file || undefined,
  };
}

// A file on disk holds the reference; what Kong hands to the plugin is its value.
function isRedisUrl(value: string): boolean {
  if (value === "" || value.startsWith("{vault://")) return true;
  // Valkey speaks Redis' protocol, and some who host it name its own scheme.
  if (!/^\s*(?:redis|valkey)s?:\/\/[^/]/i.test(value) || !URL.canParse(value)) return false;
  const { hostname, pathname, username, password } = new URL(value);
  return hostname !== "" && /^\/?\d*$/.test(pathname) && isEncoded(username + password);
}

/** What an address in the words of another client, or with a password as it is, should be here. */
function addressFault(value: string): string {
  if (/^rediss?[+-]sentinel:/i.test(value)) {
    return "must be one address: name Sentinels in sentinel_nodes, with their sentinel_master";
  }
  if (/^rediss?:\/\/(?:[^@]*@)?[^@/]*,/i.test(value)) {
    return "must be one address: name the nodes of a Cluster in cluster_nodes, Sentinels in sentinel_nodes";
  }
  if (/^(?:unix|redis\+unix|redis-socket|redis):\/\/\/|^\//i.test(value)) {
    return "must be an address on the network, as redis://127.0.0.1:6379: a unix socket is not asked";
  }
  if (/^rediss?:\/\/[^@]*[#?/%][^@]*@/i.test(value)) {
    return "must have what is special in its password percent-encoded: # as %23, / as %2F, ? as %3F, % as %25";
  }
  if (/^rediss?:\/\/(?:[^@]*@)?[0-9a-f]*:[0-9a-f]*:/i.test(value)) {
    return "must have an IPv6 address in brackets, as in redis://[::1]:6379";
  }
  return "must be redis://HOST:PORT/DATABASE, or rediss:// for TLS";
}

/** Kong leaves a reference as it is here, which others tell. An IPv6 address has several colons, a name and its port one. */
function isBareHost(host: string): boolean {
  return host.startsWith("{vault:") || !/:\/\/|^[^:]*:\d*$|[\s/@]/.test(host);
}

// Several clients name the database in the query; what else stands there would be dropped without a
// word, and a # in a password that was not encoded makes another address of the rest.
function isReadWhole(value: string): boolean {
  if (!URL.canParse(value) || value.startsWith("{vault://")) return true;
  const url = new URL(value);
  if (value.includes("#") || [...url.searchParams.keys()].some((name) => name !== "db")) {
    return false;
  }
  const named = url.searchParams.getAll("db");
  const path = url.pathname.slice(1);
  return named.every((db) => /^\d{1,5}$/.test(db) && db === (path || named[0]));
}

function databaseIn({ pathname, searchParams }: URL): number | undefined {
  const named = pathname.slice(1) || searchParams.get("db");
  return named ? Number(named) : undefined;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
