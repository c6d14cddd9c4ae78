// Tells receivers that shares of limits are reached, off the way of every request: a bounded queue for each,
// emptied one message after the other, again and again while a receiver is down, once over all nodes.

import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { Counter, Gauge } from "prom-client";
import { RedisUnavailable } from "../../redis/connection";
import { log } from "../../stages/log";
import { redisNeighbour } from "../../stages/redis-neighbour";
import { calendarOf } from "./calendar";
import { type Claim, type Claims, claimsInMemory, claimsInRedis, leaseMs } from "./claims";
import type { LimitState, Spent } from "./counts";
import { type Delivered, deliver, type Message, type Receiver } from "./deliver";
import type { Identity } from "./identity";
import { noticeBody, noticeName, noticeOf, type Reached } from "./notice";
import type { RateLimitOptions } from "./schema";
import { type Watch, watchFor } from "./watch";

export interface Notices {
  decided(identity: Identity, states: LimitState[], isRefused: boolean): void;
  settled(spent: Spent[]): void;
}

const sent = new Counter({
  name: "llm_rate_limit_notices_total",
  help: "Messages that a share of a limit is used, by what became of each attempt: delivered, or later (the receiver did not take it, it is tried again)",
  labelNames: ["format", "result"] as const,
});

const dropped = new Counter({
  name: "llm_rate_limit_notices_dropped_total",
  help: "Messages that a share of a limit is used which were given up: queue_full, refused (the receiver answered that it will never take it) or too_old",
  labelNames: ["reason"] as const,
});
type Reason = "queue_full" | "refused" | "too_old";
const reasons: Reason[] = ["queue_full", "refused", "too_old"];
// A series that begins with its first loss has not increased, as Prometheus sees it.
for (const reason of reasons) dropped.inc({ reason }, 0);

const waiting = new Gauge({
  name: "llm_rate_limit_notices_waiting",
  help: "Messages that a share of a limit is used which wait on this node to be told, or until another node has told them",
});

const mostWaiting = 1000;
const firstRetryMs = 1000;
const longestRetryMs = 60_000;
/** Another node that tells has told nearly always by then. */
const recheckMs = 5000;
/** A message that is older tells nobody anything. */
const tooOldMs = 24 * 3_600_000;

/** Undefined where nobody is to be told. */
export function openNotices(options: RateLimitOptions): Notices | undefined {
  // One whose address is in a vault that does not know it arrives without.
  const receivers = options.notices.filter(({ url }) => url !== "");
  const missing = options.notices.length - receivers.length;
  if (missing > 0) log.warn({ missing }, "notices without an address: nobody is told");
  if (receivers.length === 0) return undefined;
  const { policy, redis } = options;
  const connection = policy === "redis" ? redisNeighbour("rate_limit", redis) : undefined;
  const claims = connection ? claimsInRedis(connection, redis.prefix) : claimsInMemory;
  const calendar = calendarOf(options.time_zone, options.month_day);
  const told = receivers.map((receiver) => ({
    watch: watchFor(receiver, calendar),
    queue: new Queue(receiver, options, claims),
  }));
  const tell = (look: (watch: Watch) => Reached[]) => {
    for (const { watch, queue } of told) for (const reached of look(watch)) queue.add(reached);
  };
  return {
    decided: (identity, states, isRefused) =>
      tell((watch) => watch.decided(identity, states, isRefused)),
    settled: (spent) => tell((watch) => watch.settled(spent)),
  };
}

interface Waiting {
  name: string;
  share: number;
  /** When its window ends. */
  until: number;
  since: number;
  message: Message;
  /** Until when it is ours to tell, and from when on it is to be tried. */
  claimedUntil: number;
  notBefore: number;
  attempts: number;
  /** The receiver has answered for good: what is left to do is to say so to the other nodes. */
  ended?: Delivered;
}

/** What is to be told to one receiver. @param send for tests that look at each attempt */
export class Queue {
  private waiting: Waiting[] = [];
  /** The largest share of each limit and window that has been in here. */
  private readonly heard = new LRUCache<string, number>({ max: 50_000 });
  private readonly suffix: string;
  private timer: NodeJS.Timeout | undefined;
  private isBusy = false;

  constructor(
    private readonly receiver: Receiver,
    private readonly options: Pick<RateLimitOptions, "namespace" | "time_zone">,
    private readonly claims: Claims,
    private readonly send: typeof deliver = deliver,
  ) {
    this.suffix = createHash("sha256").update(receiver.url).digest("base64url").slice(0, 22);
  }

  /** Nearly all that is reached has been told long before. */
  add(reached: Reached): void {
    const { share, window } = reached;
    const { namespace, time_zone: zone } = this.options;
    const name = noticeName(namespace, reached);
    if ((this.heard.get(name) ?? 0) >= share) return;
    if (this.waiting.length >= mostWaiting) {
      dropped.inc({ reason: "queue_full" });
      return;
    }
    this.heard.set(name, share);
    const since = Date.now();
    const notice = noticeOf(reached, name, { namespace, zone }, since);
    const message = { id: notice.id, body: noticeBody(notice, this.receiver.format) };
    const claimName = `${name}:${this.suffix}`;
    // Where several are reached the largest says all.
    const others = this.waiting.filter(({ name }) => name !== claimName);
    const one = {
      ...{ name: claimName, share, until: window.end, since, message },
      ...{ claimedUntil: 0, notBefore: 0, attempts: 0 },
    };
    this.keep([...others, one]);
    this.wake(0);
  }

  private wake(afterMs: number): void {
    if (this.isBusy) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.empty(), afterMs);
    // Nobody waits for a message with the end of the process.
    this.timer.unref();
  }

  private async empty(): Promise<void> {
    this.isBusy = true;
    try {
      for (let next = this.due(); next; next = this.due()) await this.tell(next);
    } finally {
      this.isBusy = false;
      const first = Math.min(...this.waiting.map(({ notBefore }) => notBefore));
      if (this.waiting.length > 0) this.wake(Math.max(1, first - Date.now()));
    }
  }

  private due(): Waiting | undefined {
    const now = Date.now();
    return this.waiting.find(({ notBefore }) => notBefore <= now);
  }

  private async tell(one: Waiting): Promise<void> {
    const now = Date.now();
    if (now - one.since > tooOldMs) return this.drop(one, "too_old");
    // It is known as long as anybody may ask for it.
    const keptMs = Math.max(0, one.until - now) + tooOldMs;
    try {
      if (!one.ended) {
        const claim = await this.claim(one, now, keptMs);
        if (claim === "told") return this.forget(one);
        if (claim > 0) return this.put(one, Math.min(claim, recheckMs));
        const delivered = await this.send(this.receiver, one.message);
        if (delivered.result === "later") return this.putOff(one, delivered);
        one.ended = delivered;
      }
      await this.claims.confirm(one.name, one.share, keptMs);
      this.conclude(one, one.ended);
    } catch (error) {
      // Nobody knows whether another node tells it: Redis is to be back first.
      if (!(error instanceof RedisUnavailable))
        log.error({ err: error }, "a notice cannot be told");
      this.put(one, firstRetryMs);
    }
  }

  /** An attempt must not go on when it is another node's turn. */
  private async claim(one: Waiting, now: number, keptMs: number): Promise<Claim> {
    if (one.claimedUntil - now > leaseMs / 2) return 0;
    const claim = await this.claims.claim(one.name, one.share, keptMs);
    if (claim === 0) one.claimedUntil = now + leaseMs;
    return claim;
  }

  private conclude(one: Waiting, ended: Delivered): void {
    if (ended.result === "refused") {
      this.drop(one, "refused", ended.reason);
    } else {
      sent.inc({ format: this.receiver.format, result: "delivered" });
      this.forget(one);
    }
  }

  private putOff(one: Waiting, { reason, afterMs }: Extract<Delivered, { result: "later" }>): void {
    const { format } = this.receiver;
    sent.inc({ format, result: "later" });
    if (one.attempts === 0)
      log.warn({ format, reason }, "a notice is not taken: it is tried again");
    const retryMs = Math.min(longestRetryMs, firstRetryMs * 2 ** one.attempts);
    one.attempts++;
    this.put(one, afterMs ?? retryMs);
  }

  /** To the end of the queue, so that those behind it have their turn. */
  private put(one: Waiting, afterMs: number): void {
    one.notBefore = Date.now() + afterMs;
    // What has taken its place meanwhile is enough.
    if (!this.waiting.includes(one)) return;
    this.keep([...this.waiting.filter((other) => other !== one), one]);
  }

  private drop(one: Waiting, why: Reason, reason?: string): void {
    this.forget(one);
    dropped.inc({ reason: why });
    const { format } = this.receiver;
    log.error({ format, reason: reason ?? why }, "a notice is given up");
  }

  private forget(one: Waiting): void {
    this.keep(this.waiting.filter((other) => other !== one));
  }

  private keep(those: Waiting[]): void {
    waiting.inc(those.length - this.waiting.length);
    this.waiting = those;
  }
}
