// Anthropic's Messages API as its own SDK asks it: everything that chat/completions has, in its words.

import Anthropic from "@anthropic-ai/sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import { python, pythonHas } from "../support/python";
import { startRedis, type TestRedis } from "../support/redis";

const prices = [
  {
    model: "claude-sonnet-4-20250514",
    input_usd_per_mtok: 3,
    cached_input_usd_per_mtok: 0.3,
    cache_write_usd_per_mtok: 3.75,
    output_usd_per_mtok: 15,
  },
];

const consumers = ["broke", "denied", "twice", "thinker"] as const;
const keyOf = (consumer: string) => `key-of-${consumer}`;

const said = (content: string) => [{ role: "user" as const, content }];
const weather = {
  name: "weather",
  description: "The weather in a city.",
  input_schema: { type: "object" as const, properties: { city: { type: "string" } } },
};

describe.each(configurations)("messages of %s", (_, config) => {
  let gateway: Gateway;
  let redis: TestRedis;
  let printed = "";

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startGateway({
      config,
      redis: redis.url,
      printed: (text) => {
        printed += text;
      },
      edit(kong) {
        for (const name of consumers) kong.addConsumer(name, keyOf(name));
        kong.limit({ month: 100_000 });
        kong.options("usage").prices = prices;
        kong.options("models").access = [
          { consumers: ["denied"], allow: ["*"], deny: ["claude*"] },
          { allow: ["*"] },
        ];
        Object.assign(kong.options("rate_limit"), {
          prices,
          tokens: { month: 1_000_000 },
          hard_cap: true,
          tiers: [
            { consumers: ["broke"], tokens: { month: 5 } },
            { consumers: ["twice"], requests: { month: 2 } },
            { consumers: ["thinker"], output_tokens: { month: 1500 } },
          ],
        });
      },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await redis?.stop();
  });
  beforeEach(() => gateway.upstream.clear());

  const client = (apiKey = gateway.key, more: object = {}) =>
    new Anthropic({ apiKey, baseURL: gateway.url, maxRetries: 0, ...more });

  const line = async (id: string): Promise<UsageLine> => {
    const found = () =>
      printed
        .split("\n")
        .filter((one) => one.includes(id) && one.endsWith("}"))
        .map((one) => JSON.parse(one))
        .find(({ request_id }) => request_id === id);
    await expect.poll(found).toBeDefined();
    return found();
  };

  it("go upstream as the model of the alias, with the operator's key", async () => {
    const { data, response } = await client()
      .messages.create({ model: "claude", max_tokens: 100, messages: said("hello") })
      .withResponse();
    expect(data.content).toMatchObject([
      { type: "text", text: "claude-sonnet-4-20250514 heard: hello" },
    ]);
    expect(response.headers.get("x-llm-model")).toBe("claude-sonnet-4-20250514");
    const [asked] = gateway.upstream.requests;
    expect(asked).toMatchObject({ url: "/v1/messages", model: "claude-sonnet-4-20250514" });
    expect(asked?.headers.authorization).toBe(`Bearer ${gateway.upstreamKey}`);
    expect(asked?.headers["anthropic-version"]).toMatch(/^20\d\d-/);
    expect(asked?.headers["x-api-key"]).toBeUndefined();
    const told = await line(response.headers.get("x-kong-request-id") ?? "");
    expect(told).toMatchObject({
      ...{ endpoint: "messages", requested_model: "claude", estimated: false, complete: true },
      ...{ input_tokens: data.usage.input_tokens, output_tokens: data.usage.output_tokens },
    });
    const { input_tokens, output_tokens } = data.usage;
    expect(told.cost_usd).toBe((input_tokens * 3 + output_tokens * 15) / 1e6);
  });

  it("take a token of Claude Code's in place of a key", async () => {
    const asking = client(undefined, { apiKey: null, authToken: gateway.key });
    const body = { model: "claude", max_tokens: 50, messages: said("with a token") };
    expect((await asking.messages.create(body)).type).toBe("message");
  });

  it("take that token also beside the key that Claude Code has stored for Anthropic", async () => {
    const stored = { "x-api-key": "sk-ant-stored" };
    const asking = client(undefined, {
      ...{ apiKey: null, authToken: gateway.key, defaultHeaders: stored },
    });
    const body = { model: "claude", max_tokens: 50, messages: said("with both") };
    expect((await asking.messages.create(body)).type).toBe("message");
    expect(gateway.upstream.requests[0]?.headers).not.toHaveProperty("x-api-key");
    const alone = await client("sk-ant-stored")
      .messages.create(body)
      .catch((error) => error);
    expect(alone).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(alone.requestID).toBe(alone.headers.get("x-kong-request-id"));
  });

  it("stream, with thinking and tools, and are counted to the token", async () => {
    const stream = client().messages.stream({
      model: "claude",
      max_tokens: 4000,
      thinking: { type: "enabled", budget_tokens: 2000 },
      tools: [weather],
      messages: said("say the weather in Seoul"),
    });
    const message = await stream.finalMessage();
    expect(message.content.map(({ type }) => type)).toEqual(["thinking", "text", "tool_use"]);
    expect(message.stop_reason).toBe("tool_use");
    const id = stream.response?.headers.get("x-kong-request-id") ?? "";
    expect(await line(id)).toMatchObject({
      ...{ stream: true, estimated: false, complete: true },
      ...{ input_tokens: message.usage.input_tokens, output_tokens: message.usage.output_tokens },
    });
    expect(gateway.upstream.requests[0]?.json).not.toHaveProperty("temperature");
  });

  it("pay what the upstream's prompt cache writes and reads at its own price", async () => {
    const system = [
      {
        type: "text" as const,
        text: `${config} ${"word ".repeat(2000)}`,
        cache_control: { type: "ephemeral" as const },
      },
    ];
    const costs: (number | null)[] = [];
    for (const content of ["first", "second"]) {
      const { data, response } = await client()
        .messages.create({ model: "claude", max_tokens: 50, system, messages: said(content) })
        .withResponse();
      const told = await line(response.headers.get("x-kong-request-id") ?? "");
      const { input_tokens, output_tokens, ...cache } = data.usage;
      const written = cache.cache_creation_input_tokens ?? 0;
      const read = cache.cache_read_input_tokens ?? 0;
      expect(told).toMatchObject({
        input_tokens: input_tokens + written + read,
        cached_input_tokens: read,
        cache_write_tokens: written,
      });
      const exact = input_tokens * 3 + written * 3.75 + read * 0.3 + output_tokens * 15;
      expect(told.cost_usd).toBeCloseTo(exact / 1e6, 9);
      costs.push(told.cost_usd);
    }
    expect(costs[1]).toBeLessThan(costs[0]!);
    expect(gateway.upstream.requests[0]?.json?.system).toEqual(system);
  });

  it("are answered from the cache, streams byte for byte, whatever their marks", async () => {
    const ask = (mark: object) =>
      fetch(`${gateway.url}/v1/messages`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": gateway.key },
        body: JSON.stringify({
          ...{ model: "claude", max_tokens: 50, stream: true },
          system: [{ type: "text", text: "be brief", ...mark }],
          messages: said("the same again"),
        }),
      });
    const live = await (await ask({})).text();
    expect(live).toContain("message_stop");
    // This client names no version of the API.
    expect(gateway.upstream.requests[0]?.headers["anthropic-version"]).toBe("2023-06-01");
    const marked = { cache_control: { type: "ephemeral" } };
    const hit = await gateway.untilHit(() => ask(marked));
    expect(await hit.text()).toBe(live);
    expect(hit.headers.get("content-type")).toContain("text/event-stream");
  });

  it("are counted before they are sent, for nothing", async () => {
    const { data, response } = await client()
      .messages.countTokens({ model: "claude", messages: said("one two three") })
      .withResponse();
    expect(data.input_tokens).toBeGreaterThan(0);
    const told = await line(response.headers.get("x-kong-request-id") ?? "");
    expect(told).toMatchObject({
      endpoint: "messages/count_tokens",
      output_tokens: 0,
      cost_usd: 0,
    });
  });

  it("are refused in the words of their API", async () => {
    const body = { model: "claude", max_tokens: 50, messages: said("no") };
    const wrongKey = await client("wrong")
      .messages.create(body)
      .catch((error) => error);
    expect(wrongKey).toBeInstanceOf(Anthropic.AuthenticationError);
    expect(wrongKey.error).toMatchObject({
      type: "error",
      error: { type: "authentication_error" },
    });

    const denied = await client(keyOf("denied"))
      .messages.create(body)
      .catch((error) => error);
    expect(denied).toBeInstanceOf(Anthropic.NotFoundError);
    expect(denied.error.error.type).toBe("not_found_error");

    const broke = await client(keyOf("broke"))
      .messages.create(body)
      .catch((error) => error);
    expect(broke).toBeInstanceOf(Anthropic.RateLimitError);
    expect(broke.error.error.type).toBe("rate_limit_error");
    expect(broke.headers.get("x-should-retry")).toBe("false");
    expect(broke.requestID).toBe(broke.headers.get("x-kong-request-id"));
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("draw from the limits of chat, and tell what is left in their own headers", async () => {
    const asking = client(keyOf("twice"));
    const body = { model: "claude", max_tokens: 50, messages: said(`first of two, ${config}`) };
    const { response } = await asking.messages.create(body).withResponse();
    expect(response.headers.get("anthropic-ratelimit-requests-limit")).toBe("2");
    expect(response.headers.get("anthropic-ratelimit-requests-remaining")).toBe("1");
    expect(
      Date.parse(response.headers.get("anthropic-ratelimit-requests-reset") ?? ""),
    ).toBeGreaterThan(Date.now());
    const chat = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": keyOf("twice") },
      body: JSON.stringify({ model: "claude", messages: said(`second of two, ${config}`) }),
    });
    expect(chat.status).toBe(200);
    expect(chat.headers.get("anthropic-ratelimit-requests-limit")).toBeNull();
    const third = await asking.messages.create(body).catch((error) => error);
    expect(third).toBeInstanceOf(Anthropic.RateLimitError);
  });

  it("are not cut below their budget of thinking: they are refused instead", async () => {
    const asked = (budget_tokens: number) => ({
      ...{
        model: "claude",
        max_tokens: 4000,
        messages: said(`think, ${config}, ${budget_tokens}`),
      },
      thinking: { type: "enabled" as const, budget_tokens },
    });
    const tooDeep = await client(keyOf("thinker"))
      .messages.create(asked(2000))
      .catch((error) => error);
    expect(tooDeep).toBeInstanceOf(Anthropic.RateLimitError);
    expect(gateway.upstream.requests).toEqual([]);
    await client(keyOf("thinker")).messages.create(asked(1024));
    expect(gateway.upstream.requests[0]?.json?.max_tokens).toBeLessThanOrEqual(1500);
    expect(gateway.upstream.requests[0]?.json?.max_tokens).toBeGreaterThan(1024);
  });

  it("cannot reach a denied model by their fallbacks", async () => {
    const answer = await fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": keyOf("denied") },
      body: JSON.stringify({
        ...{ model: "deepseek", max_tokens: 50, messages: said("around") },
        fallbacks: [{ model: "claude-opus-4-5" }],
      }),
    });
    expect(answer.status).toBe(404);
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("come from an upstream that is overloaded, and the SDK tries again", async () => {
    gateway.upstream.behave({ status: 529, retryAfter: "0", times: 1 });
    const body = { model: "claude", max_tokens: 50, messages: said(`again, ${config}`) };
    const answer = await client(undefined, { maxRetries: 1 }).messages.create(body);
    expect(answer.type).toBe("message");
    expect(gateway.upstream.requests).toHaveLength(2);
  });

  it("list the models in the shape that their client expects", async () => {
    const models = [];
    for await (const model of client().models.list()) models.push(model);
    expect(models.map(({ id }) => id)).toContain("claude");
    expect(models[0]).toMatchObject({ type: "model", display_name: models[0]!.id });
    expect(await client().models.retrieve("claude")).toMatchObject({ id: "claude", type: "model" });
  });
});

describe("Claude Code", () => {
  it("gets through what it sends: 100 KB of system prompt and its marks, kept to the byte", async () => {
    const gateway = await startGateway({
      edit: (kong) => {
        kong.options("upstream_key").auth = "family";
      },
    });
    try {
      const system = [
        { type: "text", text: "You are Claude Code." },
        { type: "text", text: "규칙 ".repeat(15_000), cache_control: { type: "ephemeral" } },
      ];
      const body = JSON.stringify({
        model: "claude-sonnet-4-5",
        ...{ max_tokens: 32_000, stream: true, temperature: 1 },
        metadata: { user_id: "user_0123_account__session_4567" },
        tools: [{ ...weather, cache_control: { type: "ephemeral" } }],
        ...{ system, messages: said("hello") },
      });
      expect(body.length).toBeGreaterThan(40_000);
      const answer = await fetch(`${gateway.url}/v1/messages?beta=true`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          authorization: `Bearer ${gateway.key}`,
          "anthropic-version": "2023-06-01",
          "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
          "x-app": "cli",
        },
        body,
      });
      expect(await answer.text()).toContain("message_stop");
      const [asked] = gateway.upstream.requests;
      expect(asked?.body).toBe(body);
      expect(asked?.url).toBe("/v1/messages?beta=true");
      expect(asked?.headers).toMatchObject({
        "x-api-key": gateway.upstreamKey,
        "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14",
      });
      expect(asked?.headers.authorization).toBeUndefined();
    } finally {
      await gateway.stop();
    }
  });
});

const script = `
import anthropic, json, os
client = anthropic.Anthropic(base_url=os.environ["URL"], api_key=os.environ["KEY"], max_retries=0)
asked = {"model": "claude", "max_tokens": 2000, "messages": [{"role": "user", "content": "hello"}]}
said = client.messages.create(**asked)
with client.messages.stream(**asked) as stream:
    text = "".join(stream.text_stream)
    streamed = stream.get_final_message()
counted = client.messages.count_tokens(model="claude", messages=asked["messages"])
try:
    anthropic.Anthropic(base_url=os.environ["URL"], api_key="wrong", max_retries=0).messages.create(**asked)
    refused = None
except anthropic.AuthenticationError as error:
    refused = error.body["error"]["type"]
print(json.dumps({
    "text": said.content[0].text, "streamed": text, "counted": counted.input_tokens,
    "usage": [said.usage.output_tokens, streamed.usage.output_tokens],
    "models": [model.id for model in client.models.list()], "refused": refused,
}))
`;

describe.skipIf(!pythonHas("anthropic"))("the Python SDK (skipped where python3 has none)", () => {
  it("asks, streams, counts, lists, and reads an error", async () => {
    const gateway = await startGateway();
    try {
      const seen = await python(script, { URL: gateway.url, KEY: gateway.key });
      const heard = "claude-sonnet-4-20250514 heard: hello";
      expect(seen).toMatchObject({ text: heard, streamed: heard, refused: "authentication_error" });
      expect(seen).toMatchObject({ models: expect.arrayContaining(["claude"]), usage: [3, 3] });
    } finally {
      await gateway.stop();
    }
  });
});
