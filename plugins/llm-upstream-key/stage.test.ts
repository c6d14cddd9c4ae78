import { register } from "prom-client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections } from "../../redis/connection";
import type { Answer, Exchange } from "../../stages/exchange";
import { log } from "../../stages/log";
import type { Outcome } from "../../stages/outcome";
import { type PreparedStage, prepareStage } from "../../stages/stage";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { Plugin } from ".";
import { upstreamKeyOptions } from "./schema";
import { stage } from "./stage";

// Each test has keys of its own, so that no test meets a key that rests because of another.
let serial = 0;
const fresh = () => `sk-test-${++serial}`;

function stageWith(options: object): PreparedStage {
  return prepareStage(stage, upstreamKeyOptions.parse(options));
}

function exchangeOf(service?: string): Exchange {
  return {
    request: { id: "r1", method: "POST", path: "/v1/files", client_ip: "127.0.0.1", service },
    consumer: undefined,
    body: undefined,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      id: "r1",
      started_at: Date.now(),
      method: "POST",
      endpoint: "other",
      stream: false,
      stages: {},
    },
    keep: 0,
  };
}

async function decide(prepared: PreparedStage, service?: string) {
  const exchange = exchangeOf(service);
  const decided = await prepared.decide(exchange);
  const answer: Answer | undefined = decided && "answer" in decided ? decided.answer : undefined;
  const note = decided && "note" in decided ? decided.note : undefined;
  return { exchange, answer, note, headers: exchange.upstreamHeaders };
}

function outcome(exchange: Exchange, change: Partial<Outcome>): Outcome {
  const now = Date.now();
  return {
    ticket: exchange.ticket,
    status: 200,
    source: "service",
    content_type: "application/json",
    body: Buffer.from("{}"),
    complete: true,
    truncated: false,
    started_at: now,
    first_byte_at: now,
    ended_at: now,
    ...change,
  };
}

/** The gauge: for each key of the configs that a service uses, whether it may be chosen. */
async function up(service = ""): Promise<Record<string, number>> {
  const { values } = await register.getSingleMetric("llm_upstream_key_up")!.get();
  const own = values.filter(({ labels }) => labels.service === service);
  return Object.fromEntries(own.map(({ labels, value }) => [labels.key, value]));
}

describe("llm-upstream-key", () => {
  // Each test begins five minutes after the last one: none sees the keys of another in the gauge.
  const clock = vi.spyOn(performance, "now");
  let now = performance.now();
  beforeEach(() => {
    now += 300_001;
    clock.mockReturnValue(now);
  });
  afterAll(() => clock.mockRestore());

  it("gives each request the key as a bearer token, and notes only its place", async () => {
    const key = fresh();
    const { headers, note } = await decide(stageWith({ keys: [{ value: key }] }));
    expect(headers).toEqual({ authorization: `Bearer ${key}` });
    expect(note).toEqual({ key: 0, chosen_at: expect.any(Number) });
  });

  it("uses the header and the prefix of another provider", async () => {
    const key = fresh();
    const options = { keys: [{ value: key }], header: "API-Key", prefix: "" };
    expect((await decide(stageWith(options))).headers).toEqual({ "api-key": key });
  });

  it("sends the headers that the upstream wants beside the key", async () => {
    const headers = [
      { name: "OpenAI-Organization", value: "org-1" },
      { name: "OpenAI-Project", value: " proj_1\n" },
    ];
    const { headers: sent } = await decide(stageWith({ keys: [{ value: fresh() }], headers }));
    expect(sent).toMatchObject({ "openai-organization": "org-1", "openai-project": "proj_1" });
  });

  it("answers 503 where such a header has no value, instead of billing somebody else", async () => {
    const headers = [{ name: "OpenAI-Project", value: "" }];
    const { answer, headers: sent } = await decide(
      stageWith({ keys: [{ value: fresh() }], headers }),
    );
    expect(answer).toMatchObject({ status: 503, headers: { "x-should-retry": "false" } });
    expect(JSON.parse(answer!.body).error.message).toContain("openai-project");
    expect(sent).toEqual({});
  });

  it.each(["Host", "content-length", "X Y", "a\r\nb", ""])("refuses the header name %j", (name) => {
    expect(upstreamKeyOptions.safeParse({ headers: [{ name, value: "x" }] }).success).toBe(false);
  });

  it.each([
    ["where no key is configured", [], "set keys of llm-upstream-key"],
    ["where the vault reference is not resolved", [{ value: "" }], "the vault reference"],
    ["where the file is not there", [{ file: "/nonexistent/key" }], "keys[].file"],
  ])("answers 503 and says what to do %s", async (_, keys, fix) => {
    const warn = vi.spyOn(log, "warn").mockImplementation(() => undefined);
    const { answer, headers } = await decide(stageWith({ keys }));
    warn.mockRestore();
    expect(answer).toMatchObject({ status: 503, headers: { "x-should-retry": "false" } });
    const { error } = JSON.parse(answer!.body);
    expect(error).toMatchObject({ type: "server_error", code: "gateway_misconfigured" });
    expect(error.message).toContain("No upstream key is configured: set ");
    expect(error.message).toContain(fix);
    expect(error.message).not.toContain("nonexistent");
    expect(headers).toEqual({});
  });

  describe("after an answer of the upstream", () => {
    const twoKeys = () => stageWith({ keys: [{ value: fresh() }, { value: fresh() }] });

    /** The keys that are still chosen after the first one chosen met this fate. */
    async function remaining(prepared: PreparedStage, change: Partial<Outcome>) {
      const { exchange, note } = await decide(prepared);
      await prepared.learn(outcome(exchange, change), note);
      const later = await Promise.all(Array.from({ length: 64 }, () => decide(prepared)));
      const keys = new Set(later.map((choice) => (choice.note as { key: number }).key));
      return { first: (note as { key: number }).key, keys };
    }

    it("tells with each request whether another key is awake, should its own be refused", async () => {
      const prepared = twoKeys();
      const before = await decide(prepared);
      expect(before.exchange.ticket).toMatchObject({
        key: [expect.any(Number), 2],
        other_key: true,
      });
      await prepared.learn(outcome(before.exchange, { status: 402 }), before.note);
      const { exchange } = await decide(prepared);
      expect(exchange.ticket.key).toEqual([1 - before.exchange.ticket.key![0], 2]);
      expect(exchange.ticket.other_key).toBeUndefined();
      const alone = await decide(stageWith({ keys: [{ value: fresh() }] }));
      expect(alone.exchange.ticket.key).toBeUndefined();
    });

    it.each([401, 403, 429])("of %i the key rests and the other serves", async (status) => {
      const { first, keys } = await remaining(twoKeys(), { status });
      expect(keys).toEqual(new Set([1 - first]));
    });

    it.each<[string, Partial<Outcome>]>([
      ["200", { status: 200 }],
      ["404", { status: 404 }],
      ["500", { status: 500 }],
      ["401 that is not the upstream's", { status: 401, source: "exit" }],
      ["429 of our own limit", { status: 429, source: "gateway" }],
      ["429 with Retry-After 0", { status: 429, retry_after: "0" }],
    ])("of %s both keys go on", async (_, change) => {
      const { keys } = await remaining(twoKeys(), change);
      expect(keys).toEqual(new Set([0, 1]));
    });

    it.each<[string, string | undefined, number]>([
      ["Retry-After in seconds", "7", 7],
      ["Retry-After as a date", "Sun, 22 Nov 2026 12:00:09 GMT", 9],
      ["rest_seconds without one", undefined, 45],
      ["rest_seconds where it says nothing", "later", 45],
      ["an hour at most", "86400", 3600],
    ])("the key rests for %s", async (_, retry_after, seconds) => {
      vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 22, 12) });
      try {
        const prepared = stageWith({ keys: [{ value: fresh() }], rest_seconds: 45 });
        const { exchange, note } = await decide(prepared);
        await prepared.learn(outcome(exchange, { status: 429, retry_after }), note);
        vi.setSystemTime(Date.now() + seconds * 1000 - 1);
        expect(await up()).toMatchObject({ 0: 0 });
        vi.setSystemTime(Date.now() + 1);
        expect(await up()).toMatchObject({ 0: 1 });
      } finally {
        vi.useRealTimers();
      }
    });

    it("a key stays that a count of tokens was refused with for the limit of counts alone", async () => {
      const prepared = stageWith({ keys: [{ value: fresh() }, { value: fresh() }] });
      const { exchange, note } = await decide(prepared, "counts");
      const ends = (endpoint: string, status: number) =>
        prepared.learn?.(
          outcome({ ...exchange, ticket: { ...exchange.ticket, endpoint } }, { status }),
          note,
        );
      await ends("messages/count_tokens", 429);
      expect(await up("counts")).toEqual({ 0: 1, 1: 1 });
      await ends("messages/count_tokens", 401);
      expect(Object.values(await up("counts")).sort()).toEqual([0, 1]);
    });

    it("a note that is not its own changes nothing", async () => {
      const prepared = stageWith({ keys: [{ value: fresh() }] });
      const { exchange } = await decide(prepared);
      for (const note of [undefined, null, "0", [0], { key: "0" }, { key: 0 }] as unknown[]) {
        await prepared.learn(outcome(exchange, { status: 401 }), note);
      }
      expect(await up()).toMatchObject({ 0: 1 });
    });
  });

  describe("with a Redis that nodes share", () => {
    let shared: TestRedis;
    beforeAll(async () => {
      shared = await startRedis();
    });
    afterAll(async () => {
      closeConnections();
      await shared.stop();
    });

    /** Nodes have equal keys; another option makes each a stage, and so a ring, of its own. */
    const nodeWith = (keys: object[], rest_seconds: number) => {
      const redis = { url: shared.url, connect_timeout_ms: 20_000, command_timeout_ms: 20_000 };
      const providers = [{ name: "vendor", keys }];
      return stageWith({ policy: "redis", redis, rest_seconds, providers });
    };

    function exchangeWithTries(): Exchange {
      const exchange = exchangeOf();
      const model = { requested: "gpt-4", served: "gpt-4.1", label: "gpt-4.1" };
      Object.assign(exchange.ticket, { provider: "vendor", model });
      return { ...exchange, others: [], mostOthers: 1 };
    }

    it("lets a key rest on the other that a failed try was refused with, and wakes it there", async () => {
      const keys = [{ value: fresh() }, { value: fresh() }];
      const [one, other] = [nodeWith(keys, 30), nodeWith(keys, 31)];
      const exchange = exchangeWithTries();
      const decided = await one.decide(exchange);
      const note = (decided as { note: { key: number; others: number[] } }).note;
      expect(note.others).toEqual([1 - note.key]);
      const tries = [{ served: "gpt-4.1", label: "gpt-4.1", provider: "vendor" }];
      const failed_tries = [{ try: 0, status: 429, retry_after: "60" }];
      const ended = outcome({ ...exchange, ticket: { ...exchange.ticket, tries } }, {});
      await one.learn({ ...ended, failed_tries, served_try: 1 }, note);

      const later = exchangeWithTries();
      expect((await other.decide(later)) as object).toMatchObject({
        note: { key: 1 - note.key },
      });
      expect(later.others).toEqual([]);

      await one.learn(outcome(exchange, {}), { ...note, chosen_at: Date.now() + 1 });
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1000 });
      const again = exchangeWithTries();
      await other.decide(again);
      vi.useRealTimers();
      expect(again.others).toHaveLength(1);
    });
  });

  it("measures keys by their place and never by their value", async () => {
    const keys = [{ value: fresh() }, { value: fresh() }];
    await decide(stageWith({ keys }));
    expect(await up()).toEqual({ 0: 1, 1: 1 });
    expect(await register.metrics()).not.toContain("sk-test");
  });

  it("measures the worst of the keys that several configs have at one place", async () => {
    const warn = vi.spyOn(log, "warn").mockImplementation(() => undefined);
    await decide(stageWith({ keys: [{ value: fresh() }, { value: "" }] }));
    warn.mockRestore();
    await decide(stageWith({ keys: [{ value: fresh() }, { value: fresh() }, { value: fresh() }] }));
    expect(await up()).toEqual({ 0: 1, 1: 0, 2: 1 });
    clock.mockReturnValue(now + 300_001);
    expect(await up()).toEqual({});
  });

  it("measures the keys of each service apart", async () => {
    const resting = stageWith({ keys: [{ value: fresh() }] });
    const { exchange, note } = await decide(resting, "provider-a");
    await resting.learn(outcome(exchange, { status: 401 }), note);
    await decide(stageWith({ keys: [{ value: fresh() }] }), "provider-b");
    expect([await up("provider-a"), await up("provider-b")]).toEqual([{ 0: 0 }, { 0: 1 }]);
  });

  it("names no key where its options are refused", () => {
    const secret = "sk-secret-in-the-wrong-place";
    const wrong = [
      ...[{ keys: secret }, { keys: [secret] }, { keys: [{ value: [secret] }] }],
      { headers: [{ name: "x", value: `${secret}\u00e9` }] },
    ];
    for (const options of wrong) {
      let refused: unknown;
      try {
        new Plugin(options);
      } catch (error) {
        refused = error;
      }
      expect(refused).toBeInstanceOf(Error);
      expect(`${(refused as Error).stack} ${JSON.stringify(refused)}`).not.toContain(secret);
    }
  });
});
