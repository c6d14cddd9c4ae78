import { register } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestBody } from "../../openai/request-body";
import { closeConnections, connectionTo } from "../../redis/connection";
import { redisOptions } from "../../redis/options";
import type { Answer, Exchange } from "../../stages/exchange";
import { log } from "../../stages/log";
import type { Outcome } from "../../stages/outcome";
import { delivery } from "../../stages/outcome";
import { type PreparedStage, prepareStage } from "../../stages/stage";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { cacheOptions } from "./schema";
import { stage } from "./stage";

log.level = "silent";

const answer = '{"id":"a1","choices":[{"message":{"content":"안녕"}}]}';
const stream = 'data: {"choices":[{"delta":{"content":"안"}}]}\n\ndata: [DONE]\n\n';
const patient = { wait_ms: 45_000 };
const slow = { connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };

// A prompt of its own for each test, as all of them share the store of this process.
let prompt = "";
let serial = 0;
beforeEach(() => {
  delivery.socket = "/run/outcomes.sock";
  prompt = `prompt ${++serial}`;
});
afterEach(() => {
  delivery.socket = undefined;
});

const cacheWith = (options: object = {}) => prepareStage(stage, cacheOptions.parse(options));

function exchangeOf(cache_control?: string): Exchange {
  const body = RequestBody.parse(JSON.stringify({ model: "gpt-4.1", prompt }));
  if ("problem" in body) throw new Error(body.problem);
  const [id, path] = [`request-${++serial}`, "/v1/chat/completions"];
  const asked = { method: "POST", endpoint: "chat/completions", stream: false };
  return {
    request: { id, path, method: "POST", client_ip: "127.0.0.1", service: "llm", cache_control },
    consumer: { id: "c1", username: "alice" },
    body,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: { id, started_at: Date.now(), ...asked, consumer: "alice", stages: {} },
    keep: 0,
  };
}

interface Asked {
  exchange: Exchange;
  answer?: Answer;
  note?: unknown;
  status: string | undefined;
}

async function ask(cache: PreparedStage, cacheControl?: string): Promise<Asked> {
  const exchange = exchangeOf(cacheControl);
  const decided = await cache.decide(exchange);
  return { exchange, ...decided, status: exchange.ticket.cache };
}

/** How the request of a leader ends. */
async function end(cache: PreparedStage, asked: Asked, change: Partial<Outcome> = {}) {
  const now = Date.now();
  const outcome: Outcome = {
    ticket: asked.exchange.ticket,
    status: 200,
    source: "service",
    content_type: "application/json",
    body: Buffer.from(answer),
    complete: true,
    truncated: false,
    started_at: now,
    first_byte_at: now,
    ended_at: now,
    ...change,
  };
  await cache.learn(outcome, asked.note);
}

const many = (cache: PreparedStage, count: number) =>
  Array.from({ length: count }, () => ask(cache));

/** The request that is let through first. */
const first = (asked: Promise<Asked>[]) => Promise.race(asked);

const leads = ({ note }: Asked) => (note as { leads?: boolean } | undefined)?.leads === true;

async function flights(result: string): Promise<number> {
  const { values } = await register.getSingleMetric("llm_cache_single_flight_total")!.get();
  return values
    .filter(({ labels }) => labels.result === result)
    .reduce((sum, { value }) => sum + value, 0);
}

async function waitingNow(): Promise<number> {
  const { values } = await register.getSingleMetric("llm_cache_waiting_requests")!.get();
  return values[0]!.value;
}

describe("llm-cache", () => {
  describe("of 100 equal requests at once", () => {
    it("one asks the model, and the others get its answer", async () => {
      const cache = cacheWith(patient);
      const before = await flights("followed");
      const asked = many(cache, 100);
      await end(cache, await first(asked));
      const ended = await Promise.all(asked);
      const hits = ended.filter(({ status }) => status === "Hit");
      expect(hits).toHaveLength(99);
      expect(new Set(hits.map((hit) => hit.answer?.body))).toEqual(new Set([answer]));
      expect(hits[0]?.answer?.headers).toMatchObject({ "X-Cache-Status": "Hit", Age: "0" });
      expect(ended.filter(leads)).toHaveLength(1);
      expect(await flights("followed")).toBe(before + 99);
    });

    it("the others get a stream when it has ended", async () => {
      const cache = cacheWith(patient);
      const asked = many(cache, 100);
      const change = { content_type: "text/event-stream", body: Buffer.from(stream) };
      await end(cache, await first(asked), change);
      const hits = (await Promise.all(asked)).flatMap((each) => each.answer ?? []);
      expect(hits.map(({ body }) => body)).toEqual(Array(99).fill(stream));
    });

    it.each<[string, Partial<Outcome>]>([
      ["fails upstream", { status: 500 }],
      ["is cut", { complete: false }],
      ["is left by its client", { status: 499, complete: false }],
      ["is refused by a later stage", { status: 503, source: "gateway" }],
      ["is refused by another plugin", { status: 403, source: "exit" }],
      ["cannot reach the upstream", { status: 502, source: "error" }],
      ["brings more than is stored", { truncated: true }],
    ])("all go on by themselves at once when the first %s", async (_, change) => {
      const cache = cacheWith(patient);
      const before = await flights("failed");
      const asked = many(cache, 100);
      await end(cache, await first(asked), change);
      const ended = await Promise.all(asked);
      expect(ended.map(({ status }) => status)).toEqual(Array(100).fill("Miss"));
      expect(ended.filter(leads)).toHaveLength(1);
      expect(await flights("failed")).toBe(before + 99);
      const held = ended.filter(({ exchange }) => exchange.ticket.held_until !== undefined);
      expect(held).toHaveLength(99);
      expect(leads(await ask(cache))).toBe(true);
    });

    it("all go on by themselves when the first takes longer than wait_ms", async () => {
      const cache = cacheWith({ wait_ms: 20 });
      const before = await flights("late");
      const ended = await Promise.all(many(cache, 100));
      expect(ended.map(({ status }) => status)).toEqual(Array(100).fill("Miss"));
      // On a slow machine some looked so late that another one led already.
      expect(await flights("late")).toBe(before + 100 - ended.filter(leads).length);

      await expect.poll(async () => leads(await ask(cache))).toBe(true);
      await end(cache, ended.find(leads)!);
      expect((await ask(cache)).status).toBe("Hit");
    });

    it.each<[string, object, () => void]>([
      ["the operator says so", { single_flight: false }, () => undefined],
      [
        "no outcome will ever come",
        {},
        () => {
          delivery.socket = undefined;
        },
      ],
    ])("all ask the model where %s", async (_, options, set) => {
      set();
      const cache = cacheWith({ ...patient, ...options });
      const ended = await Promise.all(many(cache, 100));
      expect(ended.map(({ status }) => status)).toEqual(Array(100).fill("Miss"));
      expect(ended.filter(leads)).toHaveLength(0);
    });
  });

  it("lets one fetch a newer answer for all that find the stored one too old", async () => {
    const cache = cacheWith(patient);
    await end(cache, await ask(cache), { ended_at: Date.now() - 60_000 });
    const asked = Array.from({ length: 10 }, () => ask(cache, "max-age=30"));
    const leader = await first(asked);
    expect(leader.status).toBe("Refresh");
    expect((await ask(cache)).answer?.headers.Age).toBe("60");
    await end(cache, leader);
    const ages = (await Promise.all(asked)).flatMap((each) => each.answer?.headers.Age ?? []);
    expect(ages).toEqual(Array(9).fill("0"));
  });

  it("lets nobody wait who wants a stored answer or none, or one of its own", async () => {
    const cache = cacheWith(patient);
    const leader = await ask(cache);
    expect((await ask(cache, "only-if-cached")).answer?.status).toBe(504);
    const own = await ask(cache, "no-cache");
    expect([own.status, leads(own)]).toEqual(["Refresh", false]);
    await end(cache, leader);
  });

  describe("on two nodes that share a Redis", () => {
    let redis: TestRedis;
    let here: PreparedStage;
    let there: PreparedStage;
    let closeThere: () => void;
    let prefix: string;

    const config = (options: object) => {
      // Prepared stages outlive a test, and their connections do not: no two tests have one prefix.
      const where = { url: redis.url, prefix, ...slow };
      return { policy: "redis", redis: where, ...patient, ...options };
    };

    /** A second plugin server: modules of its own, and so a memory of its own. */
    async function another(options: object): Promise<[PreparedStage, () => void]> {
      vi.resetModules();
      register.clear();
      const [kong, outcomes, kongLog, schema, cache, connection] = await Promise.all([
        import("../../stages/stage.js"),
        import("../../stages/outcome.js"),
        import("../../stages/log.js"),
        import("./schema.js"),
        import("./stage.js"),
        import("../../redis/connection.js"),
      ]);
      outcomes.delivery.socket = "/run/outcomes.sock";
      kongLog.log.level = "silent";
      const prepared = kong.prepareStage(cache.stage, schema.cacheOptions.parse(config(options)));
      return [prepared, connection.closeConnections];
    }

    async function start(options: object = {}): Promise<void> {
      prefix = `flights-${++serial}`;
      here = cacheWith(config(options));
      [there, closeThere] = await another(options);
    }

    beforeAll(async () => {
      redis = await startRedis();
    }, 60_000);
    afterAll(() => redis.stop());
    afterEach(() => {
      closeConnections();
      closeThere();
    });

    it("one of 100 equal requests on each asks the model", async () => {
      await start();
      const [mine, theirs] = [many(here, 100), many(there, 100)];
      const leader = await first([...mine, ...theirs]);
      const leadsHere = (await Promise.race([...mine, undefined])) === leader;
      await end(leadsHere ? here : there, leader);
      const ended = await Promise.all([...mine, ...theirs]);
      expect(ended.filter(({ status }) => status === "Hit")).toHaveLength(199);
      expect(ended.filter(leads)).toEqual([leader]);
      const bodies = ended.flatMap((each) => each.answer?.body ?? []);
      expect(new Set(bodies)).toEqual(new Set([answer]));
    });

    it("those who wait on one node for the other ask Redis now and then, and one for all", async () => {
      await start();
      const leader = await ask(here);
      const asRedis = connectionTo(redisOptions.parse({ url: redis.url, ...slow }))!;
      await asRedis.run((client) => client.config("RESETSTAT"));
      const waiting = many(there, 50);
      const looks = async () => {
        const stats = await asRedis.run((client) => client.info("commandstats"));
        return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
      };
      await expect.poll(looks).toBeGreaterThanOrEqual(53);
      await end(here, leader);
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(
        Array(50).fill("Hit"),
      );
      // Each of them has looked once; after that it were 50 more at each pause, if each asked.
      expect(await looks()).toBeLessThan(100);
    });

    it("those who wait go on by themselves when the leader of the other node fails", async () => {
      await start();
      const leader = await ask(here);
      const waiting = many(there, 10);
      // Who asks after the end leads itself.
      await expect.poll(waitingNow).toBe(10);
      await end(here, leader, { status: 500 });
      const statuses = (await Promise.all(waiting)).map(({ status }) => status);
      expect(statuses).toEqual(Array(10).fill("Miss"));
    });

    it("nobody waits for a leader that is dead, and another one leads", async () => {
      await start({ wait_ms: 100 });
      await ask(here);
      const statuses = (await Promise.all(many(there, 10))).map(({ status }) => status);
      expect(statuses).toEqual(Array(10).fill("Miss"));
      await expect.poll(async () => leads(await ask(there))).toBe(true);
    });

    it("an outcome that another process learns wakes who waits there", async () => {
      await start();
      const leader = await ask(here);
      const waiting = many(there, 10);
      await end(there, leader);
      const statuses = (await Promise.all(waiting)).map(({ status }) => status);
      expect(statuses).toEqual(Array(10).fill("Hit"));
    });

    it("those who wait go on by themselves when Redis goes", async () => {
      await start();
      await ask(here);
      const waiting = many(there, 10);
      await redis.restart();
      const statuses = (await Promise.all(waiting)).map(({ status }) => status);
      expect(statuses).toEqual(Array(10).fill("Miss"));
    });
  });
});
