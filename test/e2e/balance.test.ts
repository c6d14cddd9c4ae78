import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import type { KongConfig } from "../support/kong-config";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";
import { startTwoProviders, type TwoProviders } from "../support/two-providers";

const patience = { timeout: 30_000 };
// Longer than a busy machine makes the fast one wait.
const slowMs = 4000;

let serial = 0;

async function ask({ gateway }: TwoProviders, model: string, more: object = {}) {
  const messages = [{ role: "user", content: `question ${++serial}` }];
  const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify({ model, messages, ...more }),
  });
  await answer.arrayBuffer();
  return answer;
}

async function providerOf(both: TwoProviders, model: string, more: object = {}) {
  const answer = await ask(both, model, more);
  expect(answer.status).toBe(200);
  return answer.headers.get("x-llm-provider");
}

/** How many of so many requests each provider gets, one after the other. */
async function shares(both: TwoProviders, model: string, times: number) {
  const counts: Record<string, number> = { a: 0, b: 0 };
  for (let at = 0; at < times; at++) counts[(await providerOf(both, model))!]!++;
  return counts;
}

const at = (...models: string[]) => models.map((model) => ({ model }));

/** Both serve every model; an alias of each balance. */
function balancing(config: Record<string, unknown>, kong: KongConfig): void {
  const price = (model: string, usd: number) => ({
    ...{ model, input_usd_per_mtok: usd, output_usd_per_mtok: usd },
  });
  const providers = config.providers as Record<string, unknown>[];
  config.providers = providers.map((one) => ({ ...one, models: ["*"] }));
  const prices = [price("dear", 9), price("cheap", 1), price("b/same", 1), price("same", 2)];
  config.usage = { ...(config.usage as object), prices };
  kong.options("models").aliases = [
    ...["soonest", "streamed", "again"].map((name) => ({
      ...{ name, balance: "least_latency", targets: at(`a/${name}`, `b/${name}`) },
    })),
    {
      ...{ name: "after", balance: "least_latency" },
      targets: [
        { model: "a/after", weight: 1_000_000 },
        { model: "b/after", weight: 1 },
      ],
    },
    { name: "cheapest", balance: "least_cost", targets: at("a/dear", "b/cheap") },
    { name: "elsewhere", balance: "least_cost", targets: at("a/same", "b/same") },
  ];
}

describe("targets that are balanced by least latency", () => {
  let redis: TestRedis;
  let nodes: TwoProviders[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    const shared = (config: Record<string, unknown>, kong: KongConfig) => {
      balancing(config, kong);
      const shared = { policy: "redis", redis: { url: redis.url, ...redisPatience } };
      Object.assign(kong.options("models"), shared);
    };
    nodes = await Promise.all([startTwoProviders(shared), startTwoProviders(shared)]);
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await redis?.stop();
  });
  beforeEach(() => {
    for (const { a, b } of nodes) {
      a.clear();
      b.clear();
      a.behave({ delayMs: slowMs });
    }
  });

  it.each([
    ["soonest", {}],
    ["streamed", { stream: true }],
  ])(
    "send nearly all requests for %s to the fast one once both were tried, and on a second node from the first",
    async (model, more) => {
      const [one, other] = nodes as [TwoProviders, TwoProviders];
      const tried = new Set<string | null>();
      await expect
        .poll(async () => {
          tried.add(await providerOf(one, model, more));
          return tried.size;
        }, patience)
        .toBe(2);
      const mean = (service: string) =>
        one.gateway.pluginServer.metric("llm_model_first_byte_seconds", { service, model });
      await expect.poll(() => mean("a"), patience).toBeGreaterThan(0);
      await expect.poll(() => mean("b"), patience).toBeGreaterThan(0);
      expect((await shares(one, model, 20)).b).toBeGreaterThanOrEqual(18);

      const first = await providerOf(other, model, more);
      expect(first).toBe("b");
      expect((await shares(other, model, 20)).b).toBeGreaterThanOrEqual(18);
    },
  );

  it("count of a second try its own time alone", async () => {
    const [one] = nodes as [TwoProviders, TwoProviders];
    one.a.behave({ match: "after", delayMs: 1500, status: 503 });
    const start = Date.now();
    const answer = await ask(one, "after");
    const afterFirst = Date.now() - start - 1500;
    expect(answer.headers.get("x-llm-provider")).toBe("b");
    expect(answer.headers.get("x-llm-tries")).toBe("2");
    const known = { service: "b", model: "after" };
    const mean = () => one.gateway.pluginServer.metric("llm_model_first_byte_seconds", known);
    await expect.poll(mean, patience).toBeGreaterThan(0);
    // Kong and this test read their clocks to the millisecond.
    expect((await mean())! * 1000).toBeLessThanOrEqual(afterFirst + 2);
  });

  it("go on at the slow one while the fast one refuses", async () => {
    const [one] = nodes as [TwoProviders, TwoProviders];
    one.b.behave({ match: "again", status: 503 });
    const answers = [await ask(one, "again"), await ask(one, "again"), await ask(one, "again")];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers.map(({ headers }) => headers.get("x-llm-provider"))).toEqual(["a", "a", "a"]);
  });
});

describe("targets that are balanced by least cost", () => {
  let both: TwoProviders;
  let printed: (line: UsageLine) => void = () => undefined;

  beforeAll(async () => {
    both = await startTwoProviders(balancing, {
      printed(text) {
        for (const line of text.split("\n")) {
          if (line.startsWith('{"time"')) printed(JSON.parse(line));
        }
      },
    });
  });
  afterAll(() => both?.stop());
  beforeEach(() => {
    both.a.clear();
    both.b.clear();
  });

  it("send all requests to the cheap one", async () => {
    expect(await shares(both, "cheapest", 10)).toEqual({ a: 0, b: 10 });
  });

  it("send them to the provider that has the lower price for one model, and bill that", async () => {
    const lines: UsageLine[] = [];
    printed = (line) => lines.push(line);
    const answer = await ask(both, "elsewhere");
    expect(answer.headers.get("x-llm-provider")).toBe("b");
    const id = answer.headers.get("x-kong-request-id");
    const line = () => lines.find(({ request_id }) => request_id === id);
    await expect.poll(line, patience).toMatchObject({ model: "same", provider: "b" });
    const { input_tokens, output_tokens, cost_usd } = line()!;
    expect(cost_usd).toBe((input_tokens! + output_tokens!) / 1_000_000);
  });

  it("send them to the next in price where the cheap one refuses, in the same request", async () => {
    both.b.behave({ status: 429 });
    const answer = await ask(both, "cheapest");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-llm-model")).toBe("dear");
    expect(answer.headers.get("x-llm-fallback")).toBe("b/cheap");
    expect(answer.headers.get("x-llm-tries")).toBe("2");
  });
});
