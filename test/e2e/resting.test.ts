import { randomBytes } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { allKnow } from "../support/all-know";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

// Chosen, as what nodes tell each other of a key is so short that one of 4,096 others looks the same.
const [first, second, renewed] = ["sk-test-first", "sk-test-second", "sk-test-renewed"] as const;

// A busy machine may take its time where nothing is promised about time.
const patience = { timeout: 30_000 };

let serial = 0;

/** The status of an answer, and the key that its request reached the upstream with. */
async function ask({ url, key }: Gateway, { upstream }: Gateway) {
  const content = `question ${++serial}`;
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content }] }),
  });
  await answer.arrayBuffer();
  const sent = upstream.requests.find(({ body }) => body.includes(`${content}"`));
  return { status: answer.status, key: sent?.headers.authorization?.replace("Bearer ", "") };
}

/** Nearly all requests go out with the first one while both are awake. */
const weighted = ([first, second]: [string, string]) => [
  { value: first, weight: 1000 },
  { value: second, weight: 1 },
];

const cases = [
  ...configurations.map(([name, config]) => [name, config, withKeys] as const),
  ["a provider of llm-gateway", "kong.yaml", withProvider] as const,
];

describe.each(cases)("a key of %s that one node was refused with", (_, config, configure) => {
  let redis: TestRedis;
  let a: Gateway;
  let b: Gateway;
  const keys: [string, string] = [first, second];
  const prefix = `test-${randomBytes(6).toString("hex")}`;

  /** @param upstreamPort where the other node sends its requests, too */
  const shares = (of: [string, string], upstreamPort?: number) => (kong: KongConfig) => {
    if (upstreamPort !== undefined) kong.sendTo(upstreamPort);
    kong.limit({ minute: 1_000_000 });
    const shared = { policy: "redis", redis: { url: redis.url, prefix, ...redisPatience } };
    Object.assign(kong.options("upstream_key"), shared);
    configure(kong, of);
  };

  beforeAll(async () => {
    redis = await startRedis({ shared: true });
    a = await startGateway({ config, edit: shares(keys) });
    b = await startGateway({ config, edit: shares(keys, a.upstream.port) });
  });
  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    await redis?.stop();
  });
  // Each test begins with keys of which nobody knows anything.
  beforeEach(async () => {
    a.upstream.clear();
    const client = new Redis(redis.url);
    await client.del(`${prefix}:nothing`, ...(await client.keys(`${prefix}:*`)));
    client.disconnect();
    await Promise.all([a, b].map(({ pluginServer }) => pluginServer.restart()));
  });

  const isAwake = ({ pluginServer }: Gateway, key: string) =>
    pluginServer.metric("llm_upstream_key_up", { key });

  /** One of those that go out with the first key is refused; one that was served after it would wake it. */
  async function refuse(retryAfter: string): Promise<void> {
    const isFirst = ({ headers }: { headers: { authorization?: string } }) =>
      headers.authorization === `Bearer ${keys[0]}`;
    a.upstream.behave({ match: isFirst, times: 1, status: 429, retryAfter });
    await expect.poll(async () => (await ask(a, a)).status, patience).toBe(429);
  }

  it("rests on the other node, which has had no refusal", async () => {
    await expect.poll(async () => (await ask(b, a)).key, patience).toBe(keys[0]);
    await refuse("600");
    await allKnow(redis, `${prefix}:{rest}:*`);
    expect(await isAwake(a, "0")).toBe(0);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(b, a)));
    expect(answers).toEqual(Array(20).fill({ status: 200, key: keys[1] }));
    expect([await isAwake(b, "0"), await isAwake(b, "1")]).toEqual([0, 1]);
  });

  it("is back on both after its Retry-After", async () => {
    await refuse("2");
    await expect.poll(async () => (await ask(b, a)).key, patience).toBe(keys[0]);
    await expect.poll(async () => (await ask(a, a)).key, patience).toBe(keys[0]);
  });

  it("is sent by a node that has another key at its place", async () => {
    await b.reconfigure(shares([renewed, second], a.upstream.port));
    await refuse("600");
    await allKnow(redis, `${prefix}:{rest}:*`);
    expect((await ask(a, a)).key).toBe(second);
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(b, a)));
    expect(answers.map(({ key }) => key)).toContain(renewed);
  });
});

function withKeys(kong: KongConfig, keys: [string, string]): void {
  kong.options("upstream_key").keys = weighted(keys);
}

function withProvider(kong: KongConfig, keys: [string, string]): void {
  const port = kong.whole.services[0]!.port;
  kong.plugin("llm-gateway")!.config.providers = [
    { name: "vendor", url: `http://localhost:${port}`, models: ["*"], keys: weighted(keys) },
  ];
}
