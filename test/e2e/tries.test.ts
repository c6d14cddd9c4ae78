import { createServer, type Server } from "node:net";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { keys, models, startTwoProviders, type TwoProviders } from "../support/two-providers";

const patience = { timeout: 10_000 };

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
    const expected = (model: string) =>
      body.replace('"gpt-4"', `"${model}"`).replace(/\}$/, ',"max_tokens":2048,"temperature":0.7}');
    // Compared here: nobody wants to read the difference of two such texts.
    expect(both.a.requests[0]?.body === expected(models.a)).toBe(true);
    expect(both.b.requests[0]?.body === expected(models.b)).toBe(true);
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
