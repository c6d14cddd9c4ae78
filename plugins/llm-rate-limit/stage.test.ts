import { register } from "prom-client";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections, connectionTo } from "../../redis/connection";
import type { Consumer, Exchange } from "../../stages/exchange";
import { log } from "../../stages/log";
import { type PreparedStage, prepareStage } from "../../stages/stage";
import { startRedis, type TestRedis } from "../../test/support/redis";
import { rateLimitOptions } from "./schema";
import { stage } from "./stage";

let namespaces = 0;

function prepare(options: object): PreparedStage {
  const namespace = `stage-${++namespaces}`;
  return prepareStage(stage, rateLimitOptions.parse({ namespace, ...options }));
}

const alice: Consumer = { id: "1", username: "alice" };

function exchange(consumer?: Consumer): Exchange {
  const request = { id: "r", method: "POST", path: "/v1/embeddings", client_ip: "192.0.2.1" };
  const ticket = {
    ...{ id: "r", started_at: 0, method: "POST", endpoint: "embeddings", stream: false },
    stages: {},
  };
  return {
    ...{ request, consumer, ticket, body: undefined, keep: 0 },
    ...{ upstreamHeaders: {}, responseHeaders: {} },
  };
}

async function ask(prepared: PreparedStage, consumer: Consumer | undefined = alice) {
  const asked = exchange(consumer);
  const decided = await prepared.decide(asked);
  const answer = decided && "answer" in decided ? decided.answer : undefined;
  return { answer, headers: asked.responseHeaders };
}

async function decisions(labels: Record<string, string>): Promise<number> {
  const metric = await register.getSingleMetric("llm_rate_limit_decisions_total")!.get();
  const found = metric.values.find((value) =>
    Object.entries(labels).every(([name, text]) => value.labels[name] === text),
  );
  return found?.value ?? 0;
}

// A quarter of a second into a minute.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 31, 23, 59, 0, 250) });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("llm-rate-limit", () => {
  it("lets the first 1000 requests of a minute pass and refuses the 1001st", async () => {
    const prepared = prepare({ requests: { minute: 1000 } });
    const answers = [];
    for (let i = 0; i < 1001; i++) answers.push((await ask(prepared)).answer?.status);

    expect(answers.indexOf(429)).toBe(1000);
  });

  it("refuses in OpenAI's shape and says how long to wait", async () => {
    const prepared = prepare({ requests: { second: 1, day: 2 } });
    await ask(prepared);
    const { answer } = await ask(prepared, alice);

    expect(answer!.status).toBe(429);
    expect(JSON.parse(answer!.body)).toEqual({
      error: {
        message:
          "The limit of 1 request per second for this consumer is reached; try again in 2 seconds.",
        type: "requests",
        param: null,
        code: "rate_limit_exceeded",
      },
    });
    expect(answer!.headers).toMatchObject({
      "X-RateLimit-Limit-Second": "1",
      "X-RateLimit-Remaining-Second": "0",
      "X-RateLimit-Remaining-Day": "1",
      "Retry-After": "2",
      "retry-after-ms": "1750",
    });
    expect(answer!.headers).not.toHaveProperty("x-should-retry");
  });

  it("lets a client pass exactly when it was told to come again, and not before", async () => {
    const prepared = prepare({ requests: { minute: 100 } });
    for (let i = 0; i < 100; i++) await ask(prepared);
    const { answer } = await ask(prepared);
    const due = Date.now() + Number(answer!.headers["retry-after-ms"]);

    vi.setSystemTime(due - 1);
    expect((await ask(prepared)).answer?.status).toBe(429);
    vi.setSystemTime(due);
    expect((await ask(prepared)).answer).toBeUndefined();
  });

  it("tells an SDK not to wait for the next month", async () => {
    const prepared = prepare({ requests: { month: 1 } });
    await ask(prepared);
    expect((await ask(prepared)).answer!.headers).toMatchObject({ "Retry-After": "60" });
    vi.setSystemTime(Date.UTC(2026, 1, 1));
    await ask(prepared);

    expect((await ask(prepared)).answer!.headers).toMatchObject({
      "Retry-After": String(28 * 86_400),
      "x-should-retry": "false",
    });
  });

  it("tells each client what remains of its own limit", async () => {
    const prepared = prepare({ requests: { hour: 10 } });
    await ask(prepared);
    const { headers } = await ask(prepared);
    const other = await ask(prepared, { id: "2", username: "bob" });

    expect(headers["X-RateLimit-Remaining-Hour"]).toBe("8");
    expect(other.headers["X-RateLimit-Remaining-Hour"]).toBe("9");
  });

  it("hides limits where the operator says so, but never how long to wait", async () => {
    const prepared = prepare({ requests: { hour: 1 }, hide_client_headers: true });
    const { headers } = await ask(prepared);
    const { answer } = await ask(prepared);

    expect(headers).toEqual({});
    expect(Object.keys(answer!.headers).sort()).toEqual([
      "Content-Type",
      "Retry-After",
      "retry-after-ms",
      "x-should-retry",
    ]);
  });

  it("limits nothing, and takes no time to find out, without a limit", async () => {
    const before = await decisions({ decision: "unlimited", policy: "local" });
    const { answer, headers } = await ask(prepare({}));

    expect(answer).toBeUndefined();
    expect(headers).toEqual({});
    expect(await decisions({ decision: "unlimited", policy: "local" })).toBe(before + 1);
  });

  it("goes on counting when Kong makes a new instance or the other options change", async () => {
    const first = prepare({ requests: { hour: 1 }, namespace: "shared" });
    const second = prepare({
      requests: { hour: 1 },
      namespace: "shared",
      hide_client_headers: true,
    });
    await ask(first);

    expect((await ask(second)).answer?.status).toBe(429);
  });

  it("counts each decision for the operator", async () => {
    const prepared = prepare({ requests: { hour: 1 } });
    const refused = await decisions({ decision: "refused", policy: "local" });
    await ask(prepared);
    await ask(prepared);

    expect(await decisions({ decision: "refused", policy: "local" })).toBe(refused + 1);
  });

  describe("with policy redis", () => {
    let redis: TestRedis;
    beforeAll(async () => {
      vi.spyOn(log, "info").mockImplementation(() => undefined);
      vi.spyOn(log, "warn").mockImplementation(() => undefined);
      redis = await startRedis();
    }, 60_000);
    afterAll(async () => {
      vi.restoreAllMocks();
      closeConnections();
      await redis.stop();
    });

    it("answers 503 for a second where Redis is down and the operator wants no guesses", async () => {
      const url = redis.url;
      const options = {
        ...{ requests: { hour: 5 }, policy: "redis", on_redis_failure: "refuse" },
        redis: { url, connect_timeout_ms: 20_000, command_timeout_ms: 20_000 },
      };
      const prepared = prepare(options);
      expect((await ask(prepared)).headers["X-RateLimit-Remaining-Hour"]).toBe("4");
      const connection = connectionTo(rateLimitOptions.parse(options).redis)!;
      const down = new Promise<void>((resolve) => connection.watch(() => resolve()));
      await redis.stop();
      await down;
      const { answer } = await ask(prepared);

      expect(answer).toMatchObject({ status: 503, headers: { "Retry-After": "1" } });
      expect(JSON.parse(answer!.body).error.code).toBe("gateway_unavailable");
    });
  });
});
