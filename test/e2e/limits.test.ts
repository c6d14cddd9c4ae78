import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configurations, type Gateway, startGateway } from "../support/gateway";

describe.each(configurations)("the limits of %s", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ config });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  const ask = (key: string) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": key },
      body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content: "again" }] }),
    });

  it("are those of the configuration: 1000 requests a minute", async () => {
    const { headers } = await ask(gateway.otherKey);
    expect(headers.get("x-ratelimit-limit-requests")).toBe("1000");
  });

  // Of a month, which no busy machine takes to ask so often.
  it("answer the 101st request of a month that has 100 with a 429 that says when to come back", async () => {
    await gateway.reconfigure((kong) => kong.limit({ month: 100 }));
    const statuses: number[] = [];
    for (let batch = 0; batch < 5; batch++) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gateway.key)));
      statuses.push(...answers.map(({ status }) => status));
      await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    }
    expect(statuses).toEqual(Array(100).fill(200));

    const refused = await ask(gateway.key);
    expect(refused.status).toBe(429);
    expect(await refused.json()).toEqual({
      error: {
        message: expect.stringContaining("100 requests"),
        type: "requests",
        param: null,
        code: "rate_limit_exceeded",
      },
    });
    const seconds = Number(refused.headers.get("retry-after"));
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBe(Math.ceil(Number(refused.headers.get("retry-after-ms")) / 1000));
    expect(refused.headers.get("x-ratelimit-remaining-month")).toBe("0");
    expect(refused.headers.get("x-ratelimit-limit-requests")).toBe("100");

    const other = await ask(gateway.otherKey);
    expect(other.status).toBe(200);
  });
});

describe.each(configurations)("a short limit of %s", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      edit: (kong) => kong.limit({ second: 2 }),
    });
  });
  afterAll(() => gateway?.stop());

  it("is waited for by the OpenAI SDK, which then succeeds", async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 5 });
    const answers = await Promise.all(
      [1, 2, 3].map((n) =>
        openai.chat.completions.create({
          model: "gpt-4",
          messages: [{ role: "user", content: `number ${n}` }],
        }),
      ),
    );
    expect(answers.map(({ object }) => object)).toEqual(Array(3).fill("chat.completion"));
  });
});
