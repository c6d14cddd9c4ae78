import { createServer, type Server } from "node:net";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { type ModelServer, startModelServer } from "../../stand-in/model-server";
import { allKnow } from "../support/all-know";
import type { KongConfig } from "../support/kong-config";
import { redisPatience, startRedis } from "../support/redis";
import { type Authority, startAuthority } from "../support/tls-front";
import { keys, models, startTwoProviders, type TwoProviders } from "../support/two-providers";

const patience = { timeout: 30_000 };

let serial = 0;

function ask({ gateway }: TwoProviders, more: object = {}, key = gateway.key): Promise<Response> {
  const messages = [{ role: "user", content: `question ${++serial}` }];
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": key },
    body: JSON.stringify({ model: "gpt-4", messages, ...more }),
  });
}

/** What each provider was asked: model, key and Host. */
function seen({ a, b }: TwoProviders) {
  return [a, b].map(({ requests }) =>
    requests.map(({ model, headers }) => [model, headers.authorization, headers.host]),
  );
}

describe("two providers behind one name", () => {
  const lines: UsageLine[] = [];
  let both: TwoProviders;

  beforeAll(async () => {
    both = await startTwoProviders(
      (config) => {
        const usage = { prices: [price(models.a, 2), price(models.b, 1)] };
        config.usage = { ...(config.usage as object), ...usage };
      },
      {
        printed(text) {
          for (const line of text.split("\n")) {
            if (line.startsWith('{"time"')) lines.push(JSON.parse(line));
          }
        },
      },
    );
  });
  afterAll(() => both?.stop());
  beforeEach(() => {
    both.a.clear();
    both.b.clear();
    lines.length = 0;
  });

  async function lineOf({ headers }: Response): Promise<UsageLine | undefined> {
    const id = headers.get("x-kong-request-id");
    const line = () => lines.find(({ request_id }) => request_id === id);
    await expect.poll(line, patience).toBeDefined();
    return line();
  }

  const hosts = () => [`localhost:${both.a.port}`, `localhost:${both.b.port}`];

  it("are asked for their own models, with their own keys, at their own hosts", async () => {
    const answers = [await ask(both), await ask(both, { model: `b/${models.b}` })];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ headers }) => headers.get("x-llm-model"))).toEqual(Object.values(models));
    expect(answers.map(({ headers }) => headers.get("x-llm-provider"))).toEqual(["a", "b"]);
    expect(answers.map(({ headers }) => headers.get("x-llm-tries"))).toEqual([null, null]);
    expect(seen(both)).toEqual([
      [[models.a, `Bearer ${keys.a}`, hosts()[0]]],
      [[models.b, `Bearer ${keys.b}`, hosts()[1]]],
    ]);
    expect(both.a.requests[0]?.url).toBe("/v1/chat/completions");
  });

  it.each([429, 500, 502, 503, 504])("answer as one where the first says %i", async (status) => {
    both.a.behave({ status });
    const answer = await ask(both, { max_tokens: 7 });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-llm-model")).toBe(models.b);
    expect(answer.headers.get("x-llm-provider")).toBe("b");
    expect(answer.headers.get("x-llm-fallback")).toBe(`a/${models.a}`);
    expect(answer.headers.get("x-llm-tries")).toBe("2");
    expect(answer.headers.get("x-llm-source")).toBe("upstream");
    const { choices } = (await answer.json()) as OpenAI.ChatCompletion;
    expect(choices[0]?.message.content).toContain(models.b);
    expect(seen(both)).toEqual([
      [[models.a, `Bearer ${keys.a}`, hosts()[0]]],
      [[models.b, `Bearer ${keys.b}`, hosts()[1]]],
    ]);
    const [first, second] = [both.a.requests[0]!, both.b.requests[0]!];
    expect(second.json).toEqual({ ...first.json, model: models.b });
    expect(second.rawHeaders.join()).not.toContain(keys.a);
  });

  it("stream as one where the first refuses", async () => {
    both.a.behave({ status: 429 });
    const openai = new OpenAI({
      baseURL: `${both.gateway.url}/v1`,
      apiKey: both.gateway.key,
      maxRetries: 0,
    });
    const stream = await openai.chat.completions.create({
      ...{ model: "gpt-4", stream: true },
      messages: [{ role: "user", content: "stream it" }],
    });
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    expect(text).toContain(models.b);
    expect([both.a.requests.length, both.b.requests.length]).toEqual([1, 1]);
  });

  it("are priced, counted and written down by the one that served", async () => {
    both.a.behave({ status: 503 });
    const answer = await ask(both);
    const { usage } = (await answer.json()) as { usage: OpenAI.CompletionUsage };
    const { prompt_tokens, completion_tokens } = usage;
    expect(await lineOf(answer)).toMatchObject({
      ...{ requested_model: "gpt-4", model: models.b, fallback_from: `a/${models.a}` },
      ...{ provider: "b", tries: 2, status: 200, source: "service" },
      ...{ input_tokens: prompt_tokens, output_tokens: completion_tokens },
      cost_usd: (prompt_tokens + completion_tokens) / 1_000_000,
    });
  });

  it("answer with the error of the last one where both refuse", async () => {
    both.a.behave({ status: 429, retryAfter: "2" });
    both.b.behave({ status: 503, retryAfter: "1" });
    const answer = await ask(both);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("x-llm-model")).toBe(models.b);
    expect(answer.headers.get("x-llm-tries")).toBe("2");
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.json()).toMatchObject({ error: { type: "server_error" } });
    const line = { status: 503, model: models.b, tries: 2, cost_usd: 0 };
    expect(await lineOf(answer)).toMatchObject(line);
  });

  it.each([400, 401, 408, 422, 529])("leave a %i to the client", async (status) => {
    both.a.behave({ status });
    expect((await ask(both)).status).toBe(status);
    expect(both.b.requests).toEqual([]);
  });

  it("do not repeat a stream that has begun", async () => {
    both.a.behave({ cutAfterChunks: 2 });
    const answer = await ask(both, { stream: true });
    expect(answer.status).toBe(200);
    await answer.text().catch(() => undefined);
    expect(both.b.requests).toEqual([]);
  });

  it("do not repeat what was sent and got no answer, as it may be billed", async () => {
    both.a.behave({ cutAfterChunks: 0 });
    const answer = await ask(both);
    expect(answer.status).toBe(502);
    expect(answer.headers.get("x-llm-source")).toBe("gateway");
    expect(await answer.json()).toMatchObject({ error: { code: "upstream_error" } });
    expect(both.b.requests).toEqual([]);
  });

  it("send the second the whole of a long body, and what its client sent of it as it was", async () => {
    both.a.behave({ status: 429 });
    const long = "긴 문장 ".repeat(100_000);
    const body = `{"messages":[{"role":"user","content":${JSON.stringify(long)}}], "model" : "gpt-4","seed":12345678901234567890}`;
    const answer = await fetch(`${both.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": both.gateway.key },
      body,
    });
    expect(answer.status).toBe(200);
    const expected = (model: string, defaults: string) =>
      body.replace('"gpt-4"', `"${model}"`).replace(/\}$/, `,${defaults}}`);
    // The second's context has no room for a bound behind it.
    const [first, second] = ['"max_tokens":2048,"temperature":0.7', '"temperature":0.7'];
    // Compared here: nobody wants to read the difference of two such texts.
    expect(both.a.requests[0]?.body === expected(models.a, first)).toBe(true);
    expect(both.b.requests[0]?.body === expected(models.b, second)).toBe(true);
  });
});

const price = (model: string, usd: number) => ({
  model,
  input_usd_per_mtok: usd,
  output_usd_per_mtok: usd,
});

describe("a provider that cannot be reached", () => {
  let closed: Server;
  let both: TwoProviders;
  const unknown = "http://no-such-name.invalid:8080";

  beforeAll(async () => {
    closed = createServer();
    both = await startTwoProviders((config, kong, [port]) => {
      const [first, second] = config.providers as { url: string }[];
      const models = ["gone", "nowhere"];
      config.providers = [
        { ...first, name: "refusing", url: "http://localhost:1", models: ["gone"] },
        { ...first, name: "unknown", url: unknown, models: ["nowhere"] },
        { ...first, url: `http://localhost:${port}` },
        second,
      ];
      kong.options("models").aliases = [
        ...models.map((target) => ({
          name: target,
          target,
          fallbacks: [`b/deepseek-chat-v3-0324`],
        })),
        { name: "alone", target: "unknown/nowhere" },
      ];
    });
  });
  afterAll(async () => {
    closed.close();
    await both?.stop();
  });
  beforeEach(() => both.b.clear());

  it.each([
    ["refuses the connection", "gone"],
    ["has a name that nobody knows", "nowhere"],
  ])("because it %s gives way to the next", async (_, model) => {
    const answer = await ask(both, { model });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-llm-model")).toBe(models.b);
    expect(answer.headers.get("x-llm-tries")).toBe("2");
    expect(both.b.requests[0]?.headers.host).toBe(`localhost:${both.b.port}`);
  });

  it("is told as the upstream's failure where there is no next", async () => {
    const answer = await ask(both, { model: "alone" });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: "upstream_unreachable" } });
  });
});

describe("a Kong that makes no second tries", () => {
  it.each([
    ["is told of in /readyz", "error timeout", false],
    ["is not the one that has all words", "error http_429 non_idempotent", true],
  ])("%s", async (_, nextUpstream, ok) => {
    const both = await startTwoProviders(undefined, { nextUpstream });
    try {
      both.a.behave({ status: 429 });
      expect((await ask(both)).status).toBe(ok ? 200 : 429);
      const { healthUrl } = both.gateway.pluginServer;
      const ready = (await (await fetch(`${healthUrl}/readyz`)).json()) as {
        neighbours: Record<string, { ok: boolean }>;
      };
      expect(ready.neighbours["second tries"]?.ok).toBe(ok);
    } finally {
      await both.stop();
    }
  });
});

describe("what another try is", () => {
  let both: TwoProviders;
  beforeAll(async () => {
    both = await startTwoProviders((config, kong) => {
      const [first, second] = config.providers as Record<string, unknown>[];
      const ofA = [{ value: keys.a, weight: 1000 }, { value: "sk-of-a-too" }];
      const all = { models: ["*"], families: ["openai", "anthropic"], auth: "family" };
      // A header that the second does not have, and that must not go there.
      const headers = [{ name: "X-Account", value: "account-of-a" }];
      config.providers = [
        { ...first, ...all, keys: ofA, headers },
        { ...second, ...all },
      ];
      Object.assign(kong.options("models"), {
        aliases: [
          { name: "gpt-4", target: models.a, fallbacks: [`b/${models.b}`] },
          { name: "thinks", target: models.a, fallbacks: ["b/o3-mini"] },
          { name: "claude", target: "claude-sonnet-4.5", fallbacks: ["b/claude-haiku-4.5"] },
          { name: "same", target: models.a, fallbacks: [`b/${models.a}`] },
          { name: "limited", target: models.a, fallbacks: ["b/gemini-2.5-flash"] },
        ],
        access: [{ consumers: ["other-app"], deny: ["deepseek*"] }, {}],
      });
      kong.options("cache").scope = "shared";
      kong.options("rate_limit").models = [{ match: "gemini*", requests: { month: 1 } }];
    });
  });
  afterAll(() => both?.stop());
  beforeEach(() => {
    both.a.clear();
    both.b.clear();
  });

  it("goes with another key where a key was refused", async () => {
    both.a.behave({
      match: ({ headers }) => headers.authorization === `Bearer ${keys.a}`,
      status: 429,
      retryAfter: "600",
    });
    // One in a thousand goes out with the other key at once.
    let answer = await ask(both);
    while (both.a.requests.length === 1) {
      both.a.requests.length = 0;
      answer = await ask(both);
    }
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-llm-model")).toBe(models.a);
    expect(answer.headers.get("x-llm-tries")).toBe("2");
    expect(answer.headers.get("x-llm-fallback")).toBeNull();
    const sent = both.a.requests.map(({ headers }) => headers.authorization);
    expect(sent).toEqual([`Bearer ${keys.a}`, "Bearer sk-of-a-too"]);
    expect(both.b.requests).toEqual([]);
    // What was refused rests for its Retry-After.
    await expect
      .poll(async () => {
        both.a.requests.length = 0;
        await ask(both);
        return both.a.requests[0]?.headers.authorization;
      }, patience)
      .toBe("Bearer sk-of-a-too");
  });

  it("goes to the fallback, without a header of the first's, where no key could mend it", async () => {
    both.a.behave({ status: 503 });
    const answer = await ask(both);
    expect(answer.headers.get("x-llm-model")).toBe(models.b);
    expect(both.a.requests[0]?.headers["x-account"]).toBe("account-of-a");
    expect(both.b.requests[0]?.headers.authorization).toBe(`Bearer ${keys.b}`);
    expect(both.b.requests[0]?.rawHeaders.join()).not.toMatch(/of-a/);
  });

  it("gets what a first try for its model would have got", async () => {
    both.a.behave({ status: 503 });
    await ask(both, { model: "thinks", max_tokens: 50, temperature: 0.2, top_p: 0.5 });
    const { messages, ...sent } = both.b.requests[0]?.json ?? {};
    expect(messages).toHaveLength(1);
    expect(sent).toEqual({ model: "o3-mini", max_completion_tokens: 50 });
  });

  it("is the same model at another provider, too", async () => {
    both.a.behave({ status: 503 });
    const answer = await ask(both, { model: "same" });
    expect(answer.headers.get("x-llm-model")).toBe(models.a);
    expect(answer.headers.get("x-llm-provider")).toBe("b");
    expect(both.b.requests[0]?.json).toEqual(both.a.requests[0]?.json);
  });

  it("speaks Anthropic's API to those that do", async () => {
    both.a.behave({ status: 503 });
    const answer = await fetch(`${both.gateway.url}/v1/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": both.gateway.key },
      body: JSON.stringify({
        ...{ model: "claude", max_tokens: 9 },
        messages: [{ role: "user", content: `question ${++serial}` }],
      }),
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ type: "message", model: "claude-haiku-4.5" });
    expect(both.b.requests[0]?.url).toBe("/v1/messages");
    expect(both.b.requests[0]?.headers["x-api-key"]).toBe(keys.b);
  });

  it("is never a model that its caller may not use, not from the cache either", async () => {
    const { otherKey } = both.gateway;
    both.a.behave({ status: 503 });
    const denied = await ask(both, {}, otherKey);
    expect([denied.status, both.b.requests.length]).toEqual([503, 0]);
    expect(denied.headers.get("x-llm-model")).toBe(models.a);

    const body = { messages: [{ role: "user", content: "the same question" }] };
    const open = await ask(both, body);
    expect(open.headers.get("x-llm-model")).toBe(models.b);
    await open.text();
    const hit = await both.gateway.untilHit(() => ask(both, body));
    expect(hit.headers.get("x-llm-model")).toBe(models.b);
    expect(hit.headers.get("x-llm-fallback")).toBe(models.a);
    const closed = await ask(both, body, otherKey);
    expect([closed.status, closed.headers.get("x-cache-status")]).toEqual([503, "Miss"]);
  });

  it("is no model with limits of its own, which a first try is held to", async () => {
    both.a.behave({ status: 503 });
    expect((await ask(both, { model: "limited" })).status).toBe(503);
    expect(both.b.requests).toEqual([]);
  });
});

describe("a request that got no answer", () => {
  it("is sent again where the operator says so", async () => {
    const both = await startTwoProviders((config) => {
      config.second_tries = { most: 1, unanswered: true };
    });
    try {
      both.a.behave({ cutAfterChunks: 0 });
      const answer = await ask(both);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-llm-provider")).toBe("b");
    } finally {
      await both.stop();
    }
  });
});

describe("certificates", () => {
  let authority: Authority;
  beforeAll(() => {
    authority = startAuthority();
  });
  afterAll(() => authority?.stop());

  async function behind(names: [string, string]): Promise<TwoProviders> {
    const fronts: number[] = [];
    const servers = await Promise.all([startModelServer(), startModelServer()]);
    for (const [n, { port }] of servers.entries()) {
      fronts.push((await authority.front(names[n]!, port)).port);
    }
    const both = await startTwoProviders(
      (config) => {
        for (const [n, one] of (config.providers as { url: string }[]).entries()) {
          one.url = `https://localhost:${fronts[n]}`;
        }
      },
      { trusted: authority.file },
    );
    const [a, b] = servers as [ModelServer, ModelServer];
    const stop = async () => {
      await both.stop();
      await Promise.all([both.a.close(), both.b.close(), a.close(), b.close()]);
    };
    return { gateway: both.gateway, a, b, stop };
  }

  it("of another name let the next provider serve, and no key out", async () => {
    const both = await behind(["another.example", "localhost"]);
    try {
      const answer = await ask(both);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-llm-provider")).toBe("b");
      expect(both.a.requests).toEqual([]);
    } finally {
      await both.stop();
    }
  });

  it("are checked at a further try as at the first", async () => {
    const both = await behind(["localhost", "another.example"]);
    try {
      both.a.behave({ status: 503 });
      const answer = await ask(both);
      expect(answer.status).toBe(502);
      expect(answer.headers.get("x-llm-tries")).toBe("2");
      expect([both.a.requests.length, both.b.requests.length]).toEqual([1, 0]);
    } finally {
      await both.stop();
    }
  });
});

describe("two nodes with one Redis", () => {
  it("leave a model alone for its Retry-After that failed in a try on one of them", async () => {
    const redis = await startRedis();
    const shared = (_: unknown, kong: KongConfig) =>
      Object.assign(kong.options("models"), {
        ...{ policy: "redis", redis: { url: redis.url, ...redisPatience }, cooldown: {} },
      });
    const nodes = await Promise.all([startTwoProviders(shared), startTwoProviders(shared)]);
    try {
      const [one, other] = nodes as [TwoProviders, TwoProviders];
      const providerOf = async (node: TwoProviders) =>
        (await ask(node)).headers.get("x-llm-provider");
      expect(await providerOf(other)).toBe("a");
      one.a.behave({ status: 429, retryAfter: "300" });
      expect((await ask(one)).headers.get("x-llm-tries")).toBe("2");
      await allKnow(redis, "*:{cooldown}:*");
      expect([await providerOf(other), await providerOf(one)]).toEqual(["b", "b"]);
      expect(one.a.requests).toHaveLength(1);
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
      await redis.stop();
    }
  });
});

describe("1,000 requests at once, of which the first provider refuses half", () => {
  it("are all answered, and their budgets are exact", async () => {
    const both = await startTwoProviders((config, kong) => {
      config.usage = { prices: [price(models.a, 2), price(models.b, 1)] };
      Object.assign(kong.options("rate_limit"), {
        ...{ tokens: { month: 1e9 }, cost_usd: { month: 1000 } },
        ...{ policy: "local" },
      });
    });
    try {
      let count = 0;
      both.a.behave({ match: () => ++count % 2 === 0, status: 429 });
      const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(both)));
      expect(answers.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
      let [tokens, micro] = [0, 0];
      for (const answer of answers) {
        const { usage, model } = (await answer.json()) as OpenAI.ChatCompletion;
        tokens += usage!.total_tokens;
        micro += usage!.total_tokens * (model === models.a ? 2 : 1);
      }
      expect([both.a.requests.length, both.b.requests.length]).toEqual([1000, 500]);
      const used = async () => {
        const told = await fetch(`${both.gateway.url}/v1/usage`, {
          headers: { "x-api-key": both.gateway.key },
        });
        const { limits } = (await told.json()) as { limits: { measure: string; used: number }[] };
        const of = (measure: string) => limits.find((one) => one.measure === measure)?.used;
        return [of("tokens"), of("cost_usd")];
      };
      await expect.poll(used, { timeout: 120_000 }).toEqual([tokens, micro / 1e6]);
    } finally {
      await both.stop();
    }
  }, 600_000);
});
