import { beforeEach, describe, expect, it, vi } from "vitest";
import { endpointOf } from "../../families/endpoint-path";
import { RequestBody } from "../../openai/request-body";
import type { Answer, Consumer, Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { type PreparedStage, prepareStage } from "../../stages/stage";
import { cacheOptions } from "./schema";
import { stage } from "./stage";

interface Asked {
  body?: object;
  path?: string;
  consumer?: Consumer | null;
  cache_control?: string;
}

const alice: Consumer = { id: "c1", username: "alice", tags: ["team-a"] };
const bob: Consumer = { id: "c2", username: "bob", tags: ["team-a"] };
const answer = '{"id":"a1","choices":[{"message":{"content":"안녕 😀"}}]}';

// A prompt of its own for each test, as all of them share the store of this process.
let prompt = "";
let serial = 0;
beforeEach(() => {
  prompt = `prompt ${++serial}`;
});

function cacheWith(options: object = {}): PreparedStage {
  return prepareStage(stage, cacheOptions.parse(options));
}

function exchangeOf(asked: Asked = {}): Exchange {
  const { body = { model: "gpt-4.1", prompt }, path = "/v1/chat/completions" } = asked;
  const method = path.endsWith("/models") ? "GET" : "POST";
  const endpoint = endpointOf(method, path);
  const read = ["models", "other"].includes(endpoint);
  const parsed = read ? undefined : RequestBody.parse(JSON.stringify(body));
  if (parsed && "problem" in parsed) throw new Error(parsed.problem);
  return {
    request: {
      id: "r1",
      method,
      path,
      client_ip: "127.0.0.1",
      service: "llm-upstream",
      cache_control: asked.cache_control,
    },
    consumer: asked.consumer === null ? undefined : (asked.consumer ?? alice),
    body: parsed,
    upstreamHeaders: {},
    responseHeaders: { "X-RateLimit-Remaining-Minute": "999" },
    ticket: {
      id: "r1",
      started_at: Date.now(),
      method,
      endpoint,
      stream: parsed?.get("stream") === true,
      stages: {},
    },
    keep: 100,
  };
}

async function ask(cache: PreparedStage, asked: Asked = {}) {
  const exchange = exchangeOf(asked);
  const decided = await cache.decide(exchange);
  const replayed: Answer | undefined = decided && "answer" in decided ? decided.answer : undefined;
  const note: unknown = decided && "note" in decided ? decided.note : undefined;
  return { exchange, answer: replayed, note, status: exchange.ticket.cache };
}

/** Asks, and lets the upstream answer what the cache does not. */
async function askThrough(cache: PreparedStage, asked: Asked = {}, change: Partial<Outcome> = {}) {
  const result = await ask(cache, asked);
  const now = Date.now();
  const outcome: Outcome = {
    ticket: result.exchange.ticket,
    status: 200,
    source: "service",
    content_type: "application/json; charset=utf-8",
    body: Buffer.from(answer),
    complete: true,
    truncated: false,
    started_at: now,
    first_byte_at: now,
    ended_at: now,
    ...change,
  };
  if (!result.answer) await cache.learn(outcome, result.note);
  return result;
}

describe("llm-cache", () => {
  it("answers an equal request with what the first one got", async () => {
    const cache = cacheWith();
    const first = await askThrough(cache);
    expect(first.status).toBe("Miss");
    const key = first.exchange.responseHeaders["X-Cache-Key"];
    expect(key).toMatch(/^[0-9a-f]{64}$/);

    const { answer: replayed } = await ask(cache);
    expect(replayed).toEqual({
      status: 200,
      headers: {
        "X-RateLimit-Remaining-Minute": "999",
        "X-Cache-Key": key,
        "X-Cache-Status": "Hit",
        "Content-Type": "application/json; charset=utf-8",
        Age: "0",
      },
      body: answer,
      source: "cache",
    });
  });

  it("replays a stream byte by byte", async () => {
    const cache = cacheWith();
    const stream =
      'data: {"choices":[{"delta":{"content":"안"}}]}\r\n\r\n: comment\n\ndata: [DONE]\n\n';
    const asked = { body: { model: "m", prompt, stream: true } };
    const change = { content_type: "text/event-stream", body: Buffer.from(stream) };
    await askThrough(cache, asked, change);
    const { answer: replayed } = await ask(cache, asked);
    expect(replayed?.headers["Content-Type"]).toBe("text/event-stream");
    expect(replayed?.body).toBe(stream);
    expect((await ask(cache, { body: { model: "m", prompt } })).status).toBe("Miss");
  });

  it("has the answer kept up to the largest entry, and only where it may be stored", async () => {
    const cache = cacheWith({ max_entry_bytes: 2048 });
    expect((await ask(cache)).exchange.keep).toBe(2048);
    expect((await ask(cache, { consumer: null })).exchange.keep).toBe(100);
  });

  it("does not store an answer that is not whole", async () => {
    const cache = cacheWith();
    await askThrough(cache, {}, { complete: false });
    await askThrough(cache, {}, { status: 500 });
    expect((await ask(cache)).status).toBe("Miss");
  });

  it("finds what was stored under the model that serves, not under the one that was asked", async () => {
    const cache = cacheWith();
    await askThrough(cache, { body: { model: "gpt-4.1", prompt } });
    const exchange = exchangeOf({ body: { model: "gpt-4", prompt } });
    exchange.body!.set("model", "gpt-4.1");
    expect(await cache.decide(exchange)).toHaveProperty("answer");
  });

  it("stores nothing for a note that is not its own", async () => {
    const cache = cacheWith();
    const { exchange } = await ask(cache);
    for (const note of [undefined, null, "x", [], { key: 1 }, { key: "x" }] as unknown[]) {
      await expect(
        cache.learn({ ticket: exchange.ticket } as Outcome, note),
      ).resolves.toBeUndefined();
    }
  });

  describe("tells the age of an answer", () => {
    it("and replays none that is older than its time", async () => {
      vi.useFakeTimers({ toFake: ["Date"] });
      try {
        const cache = cacheWith({ ttl_seconds: 60 });
        await askThrough(cache);
        vi.setSystemTime(Date.now() + 59_999);
        expect((await ask(cache)).answer?.headers.Age).toBe("59");
        vi.setSystemTime(Date.now() + 1);
        expect((await ask(cache)).status).toBe("Miss");
      } finally {
        vi.useRealTimers();
      }
    });

    it("and takes one from a clock that is ahead for a new one", async () => {
      const cache = cacheWith();
      await askThrough(cache, {}, { ended_at: Date.now() + 5000 });
      expect((await ask(cache)).answer?.headers.Age).toBe("0");
    });
  });

  describe("between tenants", () => {
    it("shares nothing, unless it is told to", async () => {
      const cache = cacheWith();
      await askThrough(cache, { consumer: alice });
      expect((await ask(cache, { consumer: bob })).status).toBe("Miss");
      expect((await ask(cache, { consumer: alice })).status).toBe("Hit");
    });

    it("shares within a team with scope tag", async () => {
      const cache = cacheWith({ scope: "tag" });
      await askThrough(cache, { consumer: alice });
      expect((await ask(cache, { consumer: bob })).status).toBe("Hit");
      expect((await ask(cache, { consumer: { ...bob, tags: ["team-b"] } })).status).toBe("Miss");
    });

    it("shares everything with scope shared", async () => {
      const cache = cacheWith({ scope: "shared" });
      await askThrough(cache, { consumer: alice });
      expect((await ask(cache, { consumer: null })).status).toBe("Hit");
    });
  });

  describe("lets a request pass without a look", () => {
    it.each<[string, Asked, object]>([
      ["that has no consumer", { consumer: null }, {}],
      [
        "to an endpoint that is not cached",
        { path: "/v1/embeddings" },
        { endpoints: ["completions"] },
      ],
      ["to an endpoint without a body", { path: "/v1/models" }, {}],
      ["to an endpoint that we do not read", { path: "/v1/files" }, {}],
      ["that is marked no-store", { cache_control: "no-store" }, {}],
      [
        "that asks for variety, where the operator wants none stored",
        { body: { model: "m", prompt: "p", temperature: 0.7 } },
        { max_temperature: 0.5 },
      ],
      [
        "that goes on in a conversation",
        { path: "/v1/responses", body: { model: "m", conversation: "c" } },
        { endpoints: ["responses"] },
      ],
    ])("%s", async (_, asked, options) => {
      const { status, note, exchange } = await askThrough(cacheWith(options), asked);
      expect(status).toBe("Bypass");
      expect(note).toBeUndefined();
      expect(exchange.responseHeaders).toMatchObject({ "X-Cache-Status": "Bypass" });
      expect(exchange.responseHeaders).not.toHaveProperty("X-Cache-Key");
    });
  });

  describe("obeys Cache-Control", () => {
    it("no-cache: asks upstream and stores the newer answer", async () => {
      const cache = cacheWith();
      await askThrough(cache);
      const newer = { body: Buffer.from(answer.replace("a1", "a2")) };
      expect((await askThrough(cache, { cache_control: "no-cache" }, newer)).status).toBe(
        "Refresh",
      );
      expect((await ask(cache)).answer?.body).toBe(answer.replace("a1", "a2"));
    });

    it("max-age: replays no older answer than that", async () => {
      const cache = cacheWith();
      await askThrough(cache, {}, { ended_at: Date.now() - 30_500 });
      expect((await ask(cache, { cache_control: "max-age=30" })).status).toBe("Hit");
      expect((await ask(cache, { cache_control: "max-age=29" })).status).toBe("Refresh");
    });

    it("only-if-cached: answers 504 instead of asking the model", async () => {
      const cache = cacheWith();
      const cache_control = "only-if-cached";
      const { answer: refused } = await ask(cache, { cache_control });
      expect(refused).toMatchObject({
        status: 504,
        source: "gateway",
        headers: { "X-Cache-Status": "Miss", "X-RateLimit-Remaining-Minute": "999" },
      });
      expect(JSON.parse(refused!.body).error.code).toBe("not_cached");
      expect((await ask(cache, { cache_control, consumer: null })).answer?.status).toBe(504);
      await askThrough(cache);
      expect((await ask(cache, { cache_control })).status).toBe("Hit");
    });

    it("not at all where the operator says so", async () => {
      const cache = cacheWith({ cache_control: false });
      await askThrough(cache, { cache_control: "no-store" });
      expect((await ask(cache, { cache_control: "no-cache, no-store" })).status).toBe("Hit");
    });
  });

  it("keeps answers of an endpoint for a time of its own", async () => {
    const endpoint_ttls = [{ endpoint: "embeddings", ttl_seconds: 60 }];
    const cache = cacheWith({ endpoint_ttls, max_temperature: 0 });
    const embedding = { path: "/v1/embeddings" };
    const exact = { body: { model: "m", prompt, temperature: 0 } };
    const change = { ended_at: Date.now() - 60_000 };
    await askThrough(cache, embedding, change);
    await askThrough(cache, exact, change);
    expect((await ask(cache, embedding)).status).toBe("Miss");
    expect((await ask(cache, exact)).status).toBe("Hit");
  });

  it("neither looks, nor stores, nor tells anything when it is switched off", async () => {
    const cache = cacheWith({ enabled: false });
    const { exchange, note, status } = await askThrough(cache);
    expect([note, status, exchange.keep]).toEqual([undefined, undefined, 100]);
    expect(Object.keys(exchange.responseHeaders)).toEqual(["X-RateLimit-Remaining-Minute"]);
    expect((await ask(cacheWith())).status).toBe("Miss");
  });

  it("does not guard: a request goes on when the cache fails", () => {
    expect(stage.guards).toBe(false);
  });
});
