import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { accountsOf } from "../../plugins/llm-rate-limit/ledger";
import { closeConnections, connectionTo, type RedisConnection } from "../../redis/connection";
import { redisOptions } from "../../redis/options";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

const tokens = 1_000_000;
const consumers = [
  "plain",
  "streaming",
  "hitting",
  "failing",
  "falling",
  "restricted",
  "poor",
  "golden",
] as const;
const keyOf = (consumer: (typeof consumers)[number]) => `key-of-${consumer}`;

describe.each(configurations)("the budgets of %s", (_, config) => {
  let gateway: Gateway;
  let redis: TestRedis;
  let connection: RedisConnection;

  beforeAll(async () => {
    redis = await startRedis();
    connection = connectionTo(redisOptions.parse({ url: redis.url, ...redisPatience }))!;
    gateway = await startGateway({
      config,
      redis: redis.url,
      edit(kong) {
        for (const consumer of consumers) kong.addConsumer(consumer, keyOf(consumer));
        kong.limit({});
        kong.options("models").access = [
          { consumers: ["restricted"], allow: ["*"], deny: ["deepseek*"] },
          { allow: ["*"] },
        ];
        Object.assign(kong.options("rate_limit"), {
          tokens: { month: tokens },
          tiers: [
            { consumers: ["poor"], tokens: { month: 3000 } },
            { consumers: ["gold*"], requests: { month: 2 }, cost_usd: { month: 100 } },
          ],
          models: [
            {
              ...{ match: "claude*", requests: { month: 1 } },
              ...{ on_exceeded: "fallback", fallback: "deepseek-chat-v3-0324" },
            },
          ],
        });
      },
    });
  });
  afterAll(async () => {
    closeConnections();
    await gateway?.stop();
    await redis?.stop();
  });
  beforeEach(() => gateway.upstream.clear());

  function ask(consumer: (typeof consumers)[number], content: string, model = "gpt-4") {
    return fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": keyOf(consumer) },
      body: JSON.stringify({ model, messages: [{ role: "user", content }] }),
    });
  }

  const remaining = (answer: Response) =>
    Number(answer.headers.get("x-ratelimit-remaining-tokens"));

  /** Tokens that Redis has counted for a consumer. */
  async function used(consumer: (typeof consumers)[number]): Promise<number> {
    const accounts = await accountsOf(connection, "kong-llm", `consumer:${consumer}`);
    return accounts.find(({ measure }) => measure === "tokens")?.used ?? 0;
  }

  it("take of an answer what it says, after more was reserved", async () => {
    const answer = await ask("plain", "a few words");
    const { usage } = (await answer.json()) as OpenAI.ChatCompletion;
    expect(tokens - remaining(answer)).toBeGreaterThan(2048);
    await expect.poll(() => used("plain")).toBe(usage!.total_tokens);
  });

  it("take of a stream what its last event says", async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: keyOf("streaming") });
    const stream = await openai.chat.completions.create({
      ...{ model: "gpt-4", stream: true, stream_options: { include_usage: true } },
      messages: [{ role: "user", content: "a stream of several words" }],
    });
    let usage: OpenAI.CompletionUsage | undefined;
    for await (const chunk of stream) usage = chunk.usage ?? usage;

    await expect.poll(() => used("streaming")).toBe(usage!.total_tokens);
  });

  it("take nothing for a hit of the cache", async () => {
    const first = await ask("hitting", "the same again");
    const { usage } = (await first.json()) as OpenAI.ChatCompletion;
    const hit = await gateway.untilHit(() => ask("hitting", "the same again"));
    await hit.arrayBuffer();
    expect(hit.headers.get("x-ratelimit-limit-tokens")).toBe(String(tokens));

    // Some may have gone upstream before the first answer was stored.
    const answered = gateway.upstream.requests.length;
    await expect.poll(() => used("hitting")).toBe(answered * usage!.total_tokens);
  });

  it("take nothing for a call that the upstream fails", async () => {
    gateway.upstream.behave({ status: 400, times: 1 });
    const failed = await ask("failing", "a few words");
    expect(failed.status).toBe(400);
    expect(remaining(failed)).toBeLessThan(tokens);
    await expect.poll(() => used("failing")).toBe(0);
  });

  it("send a request on as another model when those of its model have no room", async () => {
    const first = await ask("falling", "one", "claude");
    expect(first.headers.get("x-llm-fallback")).toBeNull();
    const second = await ask("falling", "two", "claude");

    expect(second.status).toBe(200);
    expect(second.headers.get("x-llm-model")).toBe("deepseek-chat-v3-0324");
    expect(second.headers.get("x-llm-fallback")).toBe(first.headers.get("x-llm-model"));
    expect(gateway.upstream.requests[1]?.model).toBe("deepseek-chat-v3-0324");
  });

  it("send nobody on to a model that the access rules close", async () => {
    const statuses = [];
    for (const content of ["one", "two"]) {
      statuses.push((await ask("restricted", content, "claude")).status);
    }
    expect(statuses).toEqual([200, 429]);
    expect(gateway.upstream.requests).toHaveLength(1);
  });

  it("are those of the consumer's tier", async () => {
    const answers = [];
    for (const content of ["one", "two", "three"]) answers.push(await ask("golden", content));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[0]!.headers.get("x-ratelimit-limit-cost-usd")).toBe("100");
    expect(answers[0]!.headers.get("x-ratelimit-limit-month")).toBe("2");
  });

  it("that are spent make the OpenAI SDK give up at once", async () => {
    const refusals = () =>
      gateway.pluginServer.metric("llm_rate_limit_decisions_total", { decision: "refused" });
    const before = await refusals();
    const openai = new OpenAI({
      baseURL: `${gateway.url}/v1`,
      apiKey: keyOf("poor"),
      maxRetries: 5,
    });
    const asking = openai.chat.completions.create({
      ...{ model: "gpt-4", max_tokens: 4000 },
      messages: [{ role: "user", content: "much" }],
    });

    await expect(asking).rejects.toMatchObject({ status: 429, code: "insufficient_quota" });
    expect(await refusals()).toBe(before + 1);
  });
});

describe.each(configurations)("a limit of %s for something else than a consumer", (_, config) => {
  let gateway: Gateway;
  afterAll(() => gateway?.stop());

  it("counts by a header, for which Kong is asked", async () => {
    gateway = await startGateway({
      config,
      edit(kong) {
        kong.limit({ month: 1 });
        Object.assign(kong.options("rate_limit"), { limit_by: "header", header_name: "X-Team" });
      },
    });
    const ask = (team: string) =>
      fetch(`${gateway.url}/v1/embeddings`, {
        method: "POST",
        headers: {
          ...{ "content-type": "application/json", "x-api-key": gateway.key, "x-team": team },
        },
        body: JSON.stringify({ model: "text-embedding-3-small", input: "a" }),
      });
    const statuses = [];
    for (const team of ["red", "red", "blue"]) statuses.push((await ask(team)).status);
    expect(statuses).toEqual([200, 429, 200]);
  });

  it("counts each credential of a consumer apart", async () => {
    await gateway.stop();
    const second = `second-${gateway.key}`;
    gateway = await startGateway({
      config,
      edit(kong) {
        kong.limit({ month: 1 });
        kong.options("rate_limit").limit_by = "credential";
        kong.whole.consumers[0]!.keyauth_credentials.push({ key: second });
      },
    });
    const ask = (headers: Record<string, string>) =>
      fetch(`${gateway.url}/v1/embeddings`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify({ model: "text-embedding-3-small", input: "a" }),
      });
    const plain = { "x-api-key": gateway.key };
    // The same key in another header is the same credential.
    const bearer = { authorization: `Bearer ${gateway.key}` };
    const other = { authorization: `Bearer ${second}` };
    const statuses = [];
    for (const headers of [plain, bearer, other]) statuses.push((await ask(headers)).status);
    expect(statuses).toEqual([200, 429, 200]);
  });
});
