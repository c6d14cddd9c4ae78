import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

type Fields = Record<string, unknown>;

const megabyte = 1024 * 1024;

function ask(gateway: Gateway, content: string, more: Fields = {}, path = "chat/completions") {
  const asked = path === "embeddings" ? { input: content } : undefined;
  return fetch(`${gateway.url}/v1/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify({
      model: "gpt-4",
      ...(asked ?? { messages: [{ role: "user", content }] }),
      ...more,
    }),
  });
}

const statusOf = async (answer: Promise<Response>) => {
  const { headers, body } = await answer;
  await body?.cancel();
  return headers.get("x-cache-status");
};

const policies = ["local", "redis", "redis, compressed"] as const;

describe.each(configurations)("cached answers of %s", (_, config) => {
  describe.each(policies)("kept %s", (policy) => {
    let redis: TestRedis | undefined;
    let gateway: Gateway;

    beforeAll(async () => {
      if (policy !== "local") redis = await startRedis();
      const edit = (kong: KongConfig) => {
        const cache = kong.options("cache");
        cache.max_entry_bytes = 4 * megabyte;
        if (policy === "redis, compressed") cache.compression = "gzip";
      };
      gateway = await startGateway({ config, edit, redis: redis?.url });
    });
    afterAll(async () => {
      await gateway?.stop();
      await redis?.stop();
    });
    beforeEach(() => gateway.upstream.clear());

    it("are whole at a megabyte and more, as JSON and as a stream", async () => {
      // In a stream, every 64 bytes of text are an event of about 300.
      for (const [stream, answerBytes] of [
        [false, megabyte],
        [true, megabyte / 4],
      ] as const) {
        gateway.upstream.behave({ answerBytes });
        const big = () => ask(gateway, "a big answer", { stream, max_tokens: 100_000 });
        const live = await (await big()).text();
        expect(live.length).toBeGreaterThan(megabyte);
        expect((await (await gateway.untilHit(big)).text()) === live).toBe(true);
      }
      expect(gateway.upstream.requests).toHaveLength(2);
    });

    it("are found again for the same query string only", async () => {
      const asWith = (query: string) => () =>
        ask(gateway, "which version?", {}, `chat/completions${query}`);
      expect((await gateway.untilHit(asWith("?api-version=1"))).status).toBe(200);
      expect(await statusOf(asWith("?api-version=2")())).toBe("Miss");
      expect(await statusOf(asWith("")())).toBe("Miss");
      expect(await statusOf(asWith("?api-version=1")())).toBe("Hit");
      expect(gateway.upstream.requests).toHaveLength(3);
    });

    it("are through the OpenAI SDK what the live ones were, event for event", async () => {
      gateway.upstream.behave({ splitUtf8: true });
      const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key });
      const asked = {
        model: "gpt-4",
        stream: true as const,
        messages: [{ role: "user" as const, content: "한 글자씩 🚀 안녕하세요" }],
      };
      const eventsOf = async () => {
        const { data, response } = await openai.chat.completions.create(asked).withResponse();
        const events: OpenAI.ChatCompletionChunk[] = [];
        for await (const event of data) events.push(event);
        return { events, cache: response.headers.get("x-cache-status") };
      };
      const live = await eventsOf();
      // It waits until the first one is learned, or finds it.
      const replayed = await eventsOf();
      expect([live.cache, replayed.cache]).toEqual(["Miss", "Hit"]);
      expect(live.events.length).toBeGreaterThan(4);
      expect(replayed.events).toEqual(live.events);
      expect(gateway.upstream.requests).toHaveLength(1);
    });
  });

  describe("follow what changes an answer", () => {
    let gateway: Gateway;
    beforeAll(async () => {
      gateway = await startGateway({ config });
    });
    afterAll(() => gateway?.stop());

    it("be it written, or filled in by the gateway", async () => {
      await (await ask(gateway, "defaults")).text();
      await gateway.untilHit(() => ask(gateway, "defaults"));
      // kong.yaml fills in temperature 0.7, and the alias gpt-4 is gpt-4.1.
      expect(await statusOf(ask(gateway, "defaults", { temperature: 0.7 }))).toBe("Hit");
      expect(await statusOf(ask(gateway, "defaults", { temperature: 0.8 }))).toBe("Miss");
      expect(await statusOf(ask(gateway, "defaults", { model: "gpt-4.1" }))).toBe("Hit");
      expect(await statusOf(ask(gateway, "defaults", { model: "deepseek" }))).toBe("Miss");
    });
  });

  describe("are as the operator wants them", () => {
    it("none at all when they are switched off", async () => {
      const gateway = await startGateway({
        config,
        edit: (kong) => {
          kong.options("cache").enabled = false;
        },
      });
      try {
        expect(await statusOf(ask(gateway, "again"))).toBeNull();
        expect(await statusOf(ask(gateway, "again"))).toBeNull();
        expect(gateway.upstream.requests).toHaveLength(2);
      } finally {
        await gateway.stop();
      }
    });

    it("only for what is asked to be deterministic, and shorter for one endpoint", async () => {
      const gateway = await startGateway({
        config,
        edit: (kong) => {
          const cache = kong.options("cache");
          cache.max_temperature = 0;
          cache.endpoint_ttls = [{ endpoint: "embeddings", ttl_seconds: 1 }];
        },
      });
      try {
        expect(await statusOf(ask(gateway, "vague"))).toBe("Bypass");
        const exact = () => ask(gateway, "exact", { temperature: 0 });
        await (await exact()).text();
        await gateway.untilHit(exact);
        const embedded = () => ask(gateway, "vector", {}, "embeddings");
        await (await embedded()).text();
        await gateway.untilHit(embedded);
        await expect.poll(() => statusOf(embedded())).toBe("Miss");
        expect(await statusOf(exact())).toBe("Hit");
      } finally {
        await gateway.stop();
      }
    });
  });
});

describe("the Redis of the cache", () => {
  it("may be another than the limiter's, and neither needs it to live", async () => {
    const [limits, answers] = await Promise.all([startRedis(), startRedis()]);
    const gateway = await startGateway({
      redis: limits.url,
      edit: (kong) => {
        kong.options("cache").redis = { url: answers.url, ...redisPatience };
        kong.limit({ month: 1000 });
      },
    });
    try {
      await (await ask(gateway, "kept apart")).text();
      await gateway.untilHit(() => ask(gateway, "kept apart"));

      await answers.stop();
      const [first, second] = [await ask(gateway, "kept apart"), await ask(gateway, "kept apart")];
      expect([first.status, second.status]).toEqual([200, 200]);
      expect(second.headers.get("x-cache-status")).toBe("Miss");
      const left = ({ headers }: Response) => Number(headers.get("x-ratelimit-remaining-month"));
      expect(left(second)).toBe(left(first) - 1);
      const counted = { policy: "redis" };
      expect(
        await gateway.pluginServer.metric("llm_cache_store_failures_total", counted),
      ).toBeGreaterThan(0);
    } finally {
      await gateway.stop();
      await Promise.all([limits.stop(), answers.stop()]);
    }
  });
});
