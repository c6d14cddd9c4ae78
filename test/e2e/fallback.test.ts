import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Gate } from "../../stand-in/model-server";
import { allKnow } from "../support/all-know";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

const primary = "gpt-4.1";
const fallback = "deepseek-chat-v3-0324";

const patience = { timeout: 30_000 };

let serial = 0;
// No two questions are the same, so that none is answered by the cache.
const question = (more: object = {}) => ({
  model: "gpt-4",
  messages: [{ role: "user" as const, content: `question ${++serial}` }],
  ...more,
});

function ask(gateway: Gateway, more: object = {}): Promise<Response> {
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify(question(more)),
  });
}

/** The model that answers now. */
async function servedBy(gateway: Gateway): Promise<string | null> {
  const answer = await ask(gateway);
  await answer.arrayBuffer();
  return answer.headers.get("x-llm-model");
}

/** Whether the plugin server has learned that the primary cools, or that it does not. */
function cooling(gateway: Gateway): Promise<number> {
  return gateway.pluginServer.metric("llm_model_cooling", { model: primary });
}

function withFallback(kong: KongConfig, more: object = {}): void {
  Object.assign(kong.options("models"), {
    aliases: [{ name: "gpt-4", target: primary, fallbacks: [fallback] }],
    ...more,
  });
}

describe.each(configurations)("the fallback of %s", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      edit: (kong) => {
        // Longer than any test takes.
        withFallback(kong, { cooldown: { seconds: 300 } });
        kong.limit({ minute: 100_000 });
      },
    });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());
  // Each test begins with a primary that is well, as a plugin server knows it that knows of no failure.
  afterEach(async () => {
    gateway.upstream.clear();
    await gateway.pluginServer.restart();
    await expect.poll(() => servedBy(gateway), patience).toBe(primary);
  });

  it("serves the retry that the OpenAI SDK makes by itself after a 429, and then the primary is back", async () => {
    gateway.upstream.behave({ match: primary, status: 429, retryAfter: "2" });
    const openai = new OpenAI({
      ...{ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 9 },
    });
    const { data, response } = await openai.chat.completions.create(question()).withResponse();

    expect(data.choices[0]?.message.content).toContain(fallback);
    expect(response.headers.get("x-llm-model")).toBe(fallback);
    expect(response.headers.get("x-llm-fallback")).toBe(primary);
    // A machine so busy that the SDK comes back a second late is refused once more.
    const [last, ...before] = gateway.upstream.requests.map(({ model }) => model).reverse();
    expect([last, ...new Set(before)]).toEqual([fallback, primary]);
    gateway.upstream.clear();

    // The first one that the primary serves again is the probe; what it found is learned after it.
    await expect.poll(() => servedBy(gateway), patience).toBe(primary);
    await expect.poll(() => cooling(gateway), patience).toBe(0);
    const back = await ask(gateway);
    expect(back.headers.get("x-llm-model")).toBe(primary);
    expect(back.headers.get("x-llm-fallback")).toBeNull();
  });

  it.each([
    ["errors", { status: 500 }],
    ["connections that the upstream closes", { cutAfterChunks: 0 }],
  ])("takes over after three %s", async (_case, behaviour) => {
    gateway.upstream.behave({ match: primary, ...behaviour, times: 3 });
    const failed = [await ask(gateway), await ask(gateway), await ask(gateway)];
    for (const answer of failed) expect(answer.status).toBeGreaterThanOrEqual(500);

    await expect.poll(() => cooling(gateway), patience).toBe(1);
    expect(await servedBy(gateway)).toBe(fallback);
  });

  it("takes over after three streams that the upstream cut", async () => {
    gateway.upstream.behave({ match: primary, cutAfterChunks: 2, times: 3 });
    for (let i = 0; i < 3; i++) {
      const answer = await ask(gateway, { stream: true });
      expect(answer.status).toBe(200);
      await answer.text().catch(() => undefined);
    }
    await expect.poll(() => cooling(gateway), patience).toBe(1);
    expect(await servedBy(gateway)).toBe(fallback);
  });

  it("goes on while one request finds out whether the primary is back", async () => {
    gateway.upstream.behave({ match: primary, status: 503, retryAfter: "1", times: 1 });
    await (await ask(gateway)).text();
    await expect.poll(() => cooling(gateway), patience).toBe(1);

    gateway.upstream.clear();
    const gate = new Gate();
    gateway.upstream.behave({ match: primary, holdHeaders: gate });
    const answers: Promise<Response>[] = [];
    const probes = () => gateway.upstream.requests.filter(({ model }) => model === primary);
    while (probes().length === 0) {
      answers.push(ask(gateway));
      await gateway.upstream.arrived(answers.length);
    }
    // The probe waits for its answer; a second one is due only after `cooldown.seconds`.
    for (let i = 0; i < 5; i++) expect(await servedBy(gateway)).toBe(fallback);
    expect(probes()).toHaveLength(1);

    gate.open();
    expect((await answers.at(-1))?.headers.get("x-llm-model")).toBe(primary);
    await expect.poll(() => servedBy(gateway), patience).toBe(primary);
  });
});

describe.each(configurations)("two nodes of %s with one Redis", (_, config) => {
  let redis: TestRedis;
  let nodes: Gateway[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    const edit = (kong: KongConfig) =>
      withFallback(kong, { policy: "redis", redis: { url: redis.url, ...redisPatience } });
    nodes = await Promise.all([startGateway({ config, edit }), startGateway({ config, edit })]);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await redis?.stop();
  });

  it("leave a model alone that failed on one of them, also when Redis is gone", async () => {
    const [a, b] = nodes as [Gateway, Gateway];
    expect([await servedBy(a), await servedBy(b)]).toEqual([primary, primary]);
    a.upstream.behave({ match: primary, status: 429, retryAfter: "300", times: 1 });
    expect((await ask(a)).status).toBe(429);
    await allKnow(redis, "*:{cooldown}:*");

    expect([await servedBy(b), await servedBy(a)]).toEqual([fallback, fallback]);

    await redis.stop();
    for (let i = 0; i < 3; i++) {
      expect([await servedBy(a), await servedBy(b)]).toEqual([fallback, fallback]);
    }
  });
});
