// One connection for each Redis and process, and the breaker before it: a Redis that fails is left
// alone for a second, and then tried by us, never by a request. A request waits for a dead Redis at
// most once, and only the requests that were under way when it died or closed the connection.

import {
  connectClient,
  Misconfigured,
  nameOf,
  openClient,
  proveClient,
  type RedisClient,
} from "./client";
import { describe, TimedOut, whyUnavailable, withoutCommand } from "./failure";
import { holdWrites } from "./one-write";
import { type RedisOptions, type RedisTarget, redisTarget } from "./options";

export type { RedisClient } from "./client";

/** The Redis did not answer, or answered that it cannot serve now. Names neither keys nor values. */
export class RedisUnavailable extends Error {
  override name = "RedisUnavailable";

  /** @param asked the command was sent: it may have been done, or be done yet */
  constructor(
    message: string,
    readonly asked: boolean,
  ) {
    super(message);
  }
}

/** `connecting` only before the first attempt has ended. */
type RedisState = "connecting" | "up" | "down";

const restMs = 1000;
// A Redis that nobody has asked for so long (its options are no longer in use) is not tried again
// until somebody asks.
const forgottenMs = 60_000;

export class RedisConnection {
  /** Host, port and database (or the Sentinels, or the nodes), for logs: never a credential. */
  readonly address: string;
  state: RedisState = "connecting";
  /** Why it is down, in words that hold no secret; undefined while it is up. */
  reason: string | undefined;

  private client: RedisClient | undefined;
  private trying: Promise<void> | undefined;
  private rest: NodeJS.Timeout | undefined;
  private closed = false;
  private attempts = 0;
  private reopenedAt = 0;
  private askedAt = Date.now();
  private readonly watchers = new Set<(connection: RedisConnection) => void>();

  constructor(
    private readonly target: RedisTarget,
    private readonly options: RedisOptions,
  ) {
    this.address = nameOf(target);
    this.tryAgain();
  }

  /**
   * Runs one command, or one script, within command_timeout_ms. Before the first attempt to connect has
   * ended, or while a closed connection is opened again, it waits for that too, as long as both time-outs
   * together. What was sent may have been done even where this rejects; it is never sent twice.
   *
   * @throws RedisUnavailable where Redis is down, slow or unable
   * @throws Error where Redis refuses the command itself, which is a mistake of ours
   */
  async run<T>(command: (client: RedisClient) => Promise<T>): Promise<T> {
    this.askedAt = Date.now();
    if (this.trying && this.state !== "down") await this.trying;
    const client = this.client;
    if (this.state !== "up" || !client) {
      if (!this.rest && !this.trying && !this.closed) this.tryAgain();
      throw this.unavailable(this.reason ?? "not connected", false);
    }
    holdWrites(client);
    try {
      return await within(this.options.command_timeout_ms, command(client));
    } catch (error) {
      const reason = whyUnavailable(error);
      if (reason === undefined) throw withoutCommand(error);
      if (client === this.client) this.goDown(reason);
      throw this.unavailable(reason, true);
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

  private unavailable(reason: string, asked: boolean): RedisUnavailable {
    return new RedisUnavailable(`Redis at ${this.address} is unavailable: ${reason}`, asked);
  }

  // Every attempt has a client of its own, which never reconnects by itself: what an older one
  // still does cannot be mistaken for the state of this one.
  private async connect(): Promise<void> {
    const { connect_timeout_ms, command_timeout_ms, prefix } = this.options;
    let reason: string | undefined;
    const note = (error: Error) => {
      reason ??= describe(error);
    };
    try {
      const client = openClient(this.target, this.options, this.attempts++);
      client.on("error", note);
      client.on("node error", note);
      this.client = client;
      await within(connect_timeout_ms, connectClient(client, this.target.database));
      await within(command_timeout_ms, proveClient(client, prefix));
      if (this.closed) return;
      reason = undefined;
      client.once("close", () => {
        if (client !== this.client) return;
        if (Date.now() - this.reopenedAt < restMs)
          this.goDown(reason ?? "the connection was closed");
        else this.reopen();
      });
      this.change("up");
    } catch (error) {
      this.goDown(error instanceof Misconfigured ? error.message : (reason ?? describe(error)));
    }
  }

  // A Redis, or a proxy before it, closes what was idle for long, and is well.
  private reopen(): void {
    this.reopenedAt = Date.now();
    this.hangUp();
    this.tryAgain();
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
    this.trying = this.connect().finally(() => {
      this.trying = undefined;
    });
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

/** Rejects with TimedOut after that many milliseconds. */
function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new TimedOut(`no answer within ${milliseconds} ms`));
    // After a long turn of our own event loop timers run before sockets are read: the answer may
    // be here already, so it gets one turn more.
    const timer = setTimeout(() => setImmediate(expire), milliseconds);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
