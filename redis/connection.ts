// One connection for each Redis and process, and the breaker before it: a Redis that fails is left
// alone for a second, and then tried by us, never by a request. A request waits for a dead Redis at
// most once, and only the requests that were under way when it died.

import { Redis } from "ioredis";
import { type RedisOptions, type RedisTarget, redisTarget } from "./options";

export type RedisClient = Redis;

/** The Redis did not answer, or answered that it cannot serve now. Names neither keys nor values. */
export class RedisUnavailable extends Error {
  override name = "RedisUnavailable";
}

/** `connecting` only before the first attempt has ended. */
export type RedisState = "connecting" | "up" | "down";

const restMs = 1000;
// A Redis that nobody has asked for so long (its options are no longer in use) is not tried again
// until somebody asks.
const forgottenMs = 60_000;

// Replies by which a Redis says that it cannot serve anybody now. All others are our own mistake.
const unable = new Set(
  "BUSY CLUSTERDOWN LOADING MASTERDOWN MISCONF NOAUTH NOPERM NOREPLICAS OOM READONLY".split(" "),
);

export class RedisConnection {
  /** Host, port and database, for logs: never a credential. */
  readonly address: string;
  state: RedisState = "connecting";
  /** Why it is down, in words that hold no secret; undefined while it is up. */
  reason: string | undefined;

  private client: RedisClient | undefined;
  private trying: Promise<void> | undefined;
  private rest: NodeJS.Timeout | undefined;
  private closed = false;
  private askedAt = Date.now();
  private readonly watchers = new Set<(connection: RedisConnection) => void>();

  constructor(
    private readonly target: RedisTarget,
    private readonly options: RedisOptions,
  ) {
    this.address = `${target.host}:${target.port}/${target.database}`;
    this.trying = this.connect();
  }

  /**
   * Runs one command, or one script, within command_timeout_ms. Before the first attempt to connect
   * has ended it waits for that too, at most connect_timeout_ms. What was sent may have been done
   * even where this rejects; it is never sent twice.
   *
   * @throws RedisUnavailable where Redis is down, slow or unable
   * @throws Error where Redis refuses the command itself, which is a mistake of ours
   */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    this.askedAt = Date.now();
    if (this.state === "connecting") await this.trying;
    const client = this.client;
    if (this.state !== "up" || !client) {
      if (!this.rest && !this.trying && !this.closed) this.tryAgain();
      throw this.unavailable(this.reason ?? "not connected");
    }
    try {
      return await within(this.options.command_timeout_ms, command(client));
    } catch (error) {
      const reason = whyUnavailable(error);
      if (reason === undefined) throw withoutCommand(error);
      if (client === this.client) this.goDown(reason);
      throw this.unavailable(reason);
    }
  }

  /** Calls back at each change between up and down, once. */
  watch(watcher: (connection: RedisConnection) => void): void {
    this.watchers.add(watcher);
  }

  /** Ends the connection for good. */
  close(): void {
    this.closed = true;
    clearTimeout(this.rest);
    this.hangUp();
    this.change("down", "closed");
  }

  private unavailable(reason: string): RedisUnavailable {
    return new RedisUnavailable(`Redis at ${this.address} is unavailable: ${reason}`);
  }

  // Every attempt has a client of its own, which never reconnects by itself: what an older one
  // still does cannot be mistaken for the state of this one.
  private async connect(): Promise<void> {
    const client = new Redis(clientOptions(this.target, this.options));
    let reason: string | undefined;
    client.on("error", (error) => {
      reason ??= describe(error);
    });
    this.client = client;
    try {
      await within(this.options.connect_timeout_ms, prove(client, this.options.prefix));
      if (this.closed) return;
      client.once("close", () => {
        if (client === this.client) this.goDown(reason ?? "the connection was closed");
      });
      this.change("up");
    } catch (error) {
      this.goDown(reason ?? describe(error));
    } finally {
      this.trying = undefined;
    }
  }

  private goDown(reason: string): void {
    this.hangUp();
    if (this.closed) return;
    this.rest = setTimeout(() => {
      this.rest = undefined;
      if (Date.now() - this.askedAt < forgottenMs) this.tryAgain();
    }, restMs).unref();
    this.change("down", reason);
  }

  // ioredis would set a timer for a connection that has ended already.
  private hangUp(): void {
    if (this.client?.status !== "end") this.client?.disconnect();
    this.client = undefined;
  }

  private tryAgain(): void {
    this.trying = this.connect();
  }

  private change(state: "up" | "down", reason?: string): void {
    const changed = state !== this.state;
    this.state = state;
    this.reason = reason;
    if (changed && !this.closed) for (const watcher of this.watchers) watcher(this);
  }
}

const connections = new Map<string, RedisConnection>();

/**
 * The connection of this process to the Redis that the options name, shared by all who name the
 * same one with the same credentials and time-outs; undefined where they name none.
 */
export function connectionTo(options: RedisOptions): RedisConnection | undefined {
  const target = redisTarget(options);
  if (!target) return undefined;
  const { connect_timeout_ms, command_timeout_ms, prefix } = options;
  const key = JSON.stringify([target, connect_timeout_ms, command_timeout_ms, prefix]);
  const known = connections.get(key);
  if (known) return known;
  const connection = new RedisConnection(target, options);
  connections.set(key, connection);
  return connection;
}

/** Ends all connections of this process: when it stops, or between tests. */
export function closeConnections(): void {
  for (const connection of connections.values()) connection.close();
  connections.clear();
}

// ioredis' own retries, resends and offline queue would let requests wait for a dead Redis, or do
// a command twice. RESP 2 is spoken by every Redis, and our replies are the same in RESP 3.
// Automatic pipelines stay off: they add a turn of the event loop to each command, and commands
// written in one turn share a packet without them.
function clientOptions(target: RedisTarget, options: RedisOptions) {
  return {
    host: target.host,
    port: target.port,
    username: target.username || undefined,
    password: target.password || undefined,
    db: target.database,
    tls: target.tls ? {} : undefined,
    connectTimeout: options.connect_timeout_ms,
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

/** Connects and writes: a Redis that is full, loading or a replica takes connections all the same. */
async function prove(client: RedisClient, prefix: string): Promise<void> {
  await client.connect();
  await client.set(`${prefix}:alive`, "1", "PX", 1000);
}

class TimedOut extends Error {}

/** Rejects with TimedOut after that many milliseconds. */
function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new TimedOut(`no answer within ${milliseconds} ms`));
    // After a long turn of our own event loop timers run before sockets are read: the answer may
    // be here already, so it gets one turn more.
    const timer = setTimeout(() => setImmediate(expire), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

// The errors of ioredis and of sockets; a TypeError in a command is a mistake of ours.
const lost = new Set(["Error", "AbortError", "MaxRetriesPerRequestError"]);

/** Undefined for an error that is not the Redis' but ours. */
function whyUnavailable(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const itsOwn =
    error.name === "ReplyError" ? unable.has(firstWord(error.message)) : lost.has(error.name);
  return itsOwn ? describe(error) : undefined;
}

// Redis may repeat arguments in a message (the password of HELLO, the key of a command), so only
// its code is kept, and of a network error its code and place.
function describe(error: unknown): string {
  if (error instanceof TimedOut) return error.message;
  if (!(error instanceof Error)) return "unknown error";
  if (error.name === "ReplyError") return `Redis answers ${firstWord(error.message)}`;
  const { code } = error as NodeJS.ErrnoException;
  return code ? `the connection fails with ${code}` : "the connection was closed";
}

/** ioredis hangs the command with its arguments on the error, which a log would write out. */
function withoutCommand(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return new Error(`Redis refuses a command: ${message.replace(/, with args beginning.*/s, "")}`);
}

function firstWord(message: string): string {
  return message.split(" ", 1)[0]!;
}
