import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { models, startTwoProviders, type TwoProviders } from "../support/two-providers";

const small = "deepseek-v3.2";
const standard = "gpt-4.1";
const strong = "claude-sonnet-4.5";
const easy = "안녕하세요!";
const hard = "Prove rigorously, step by step, that this lock-free queue is linearizable.";

const consumers = ["plain", "denied", "vip", "poor", "cooling", "chatting"] as const;
const keyOf = (consumer: (typeof consumers)[number]) => `key-of-${consumer}`;
const patience = { timeout: 30_000 };

const choice = {
  name: "auto",
  tiers: [
    { name: "small", candidates: [{ model: small }] },
    { name: "standard", candidates: [{ model: standard }] },
    { name: "strong", candidates: [{ model: strong, families: ["openai", "anthropic"] }] },
  ],
  wishes: [{ consumers: ["vip"] }],
  baseline: strong,
};

/** The options of the choice, in llm-gateway or in a plugin of its own. */
function chooseBy(kong: KongConfig, choices: object[]): void {
  const together = kong.plugin("llm-gateway");
  if (together) together.config.route = { choices };
  else {
    const service = kong.whole.services.find(({ plugins }) =>
      plugins.some(({ name }) => name === "llm-models"),
    )!;
    service.plugins.push({ name: "llm-route", config: { choices } });
  }
}

describe.each(configurations)("a choice of %s", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      edit(kong) {
        for (const consumer of consumers) kong.addConsumer(consumer, keyOf(consumer));
        chooseBy(kong, [choice, { ...choice, name: "gpt-4.1", dry_run: true }]);
        kong.options("cache").enabled = false;
        Object.assign(kong.options("models"), {
          unknown_models: "reject",
          models: [standard],
          cooldown: { seconds: 600 },
          access: [{ consumers: ["denied"], allow: ["*"], deny: ["claude*"] }, { allow: ["*"] }],
        });
        kong.limit({});
        Object.assign(kong.options("rate_limit"), {
          tiers: [{ consumers: ["poor"], cost_usd: { month: 0.002 } }],
        });
      },
    });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  function send(
    consumer: (typeof consumers)[number],
    content: string,
    { headers = {}, ...more }: { headers?: Record<string, string> } & Record<string, unknown> = {},
  ) {
    return fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": keyOf(consumer), ...headers },
      body: JSON.stringify({ model: "auto", messages: [{ role: "user", content }], ...more }),
    });
  }

  async function routed(...asked: Parameters<typeof send>): Promise<string | null> {
    const answer = await send(...asked);
    await answer.arrayBuffer();
    return answer.headers.get("x-llm-route");
  }

  it("serves what is easy with the smallest tier, and what is hard with the strongest", async () => {
    expect(await routed("plain", easy)).toBe(`tier=small; model=${small}; reason=difficulty`);
    expect(await routed("plain", hard)).toBe(`tier=strong; model=${strong}; reason=difficulty`);
    expect(gateway.upstream.requests.map(({ model }) => model)).toEqual([small, strong]);
  });

  it("serves Anthropic's API with who speaks it", async () => {
    const answer = await fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: {
        ...{ "content-type": "application/json", "anthropic-version": "2023-06-01" },
        "x-api-key": keyOf("plain"),
      },
      body: JSON.stringify({
        ...{ model: "auto", max_tokens: 50, messages: [{ role: "user", content: easy }] },
      }),
    });
    expect(answer.status).toBe(200);
    const [sent] = gateway.upstream.requests;
    expect(sent?.model).toMatch(/^(deepseek|claude)/);
  });

  it("gives a client the tier that it wishes, where it may", async () => {
    const headers = { "x-llm-tier": "standard" };
    expect(await routed("vip", easy, { headers })).toContain("tier=standard");
    expect(await routed("plain", easy, { headers })).toContain("tier=small");
    expect(await routed("vip", easy, { llm_tier: "strong" })).toContain("reason=wish");
    for (const { json } of gateway.upstream.requests) expect(json).not.toHaveProperty("llm_tier");
  });

  it("passes a model over that the consumer may not use", async () => {
    expect(await routed("denied", hard)).toBe(`tier=standard; model=${standard}; reason=access`);
  });

  it("goes on with a cheaper model while the budget has no room for the one it chose", async () => {
    expect(await routed("poor", hard, { max_tokens: 1000 })).toBe(
      `tier=small; model=${small}; reason=budget`,
    );
    const refused = await send("poor", hard, { max_tokens: 8000 });
    expect(refused.status).toBe(429);
  });

  it("keeps a conversation with its model when it gets long", async () => {
    const opening = { role: "user", content: "Explain how a heat pump works." };
    const answer = { role: "assistant", content: "It moves heat. ".repeat(200) };
    const first = await routed("chatting", "", { messages: [opening] });
    const later = await routed("chatting", "", {
      messages: [opening, answer, { role: "user", content: "고마워!" }],
    });
    expect(first).toContain("tier=standard");
    expect(later).toBe(first);
  });

  it("reports in a dry run and changes nothing", async () => {
    expect(await routed("plain", easy, { model: "gpt-4.1" })).toBe(
      `tier=small; model=${small}; reason=difficulty; dry_run`,
    );
    expect(gateway.upstream.requests.map(({ model }) => model)).toEqual(["gpt-4.1"]);
  });

  it("lists the name among the models", async () => {
    const answer = await fetch(`${gateway.url}/v1/models`, {
      headers: { "x-api-key": keyOf("plain") },
    });
    const { data } = (await answer.json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toContain("auto");
  });

  it("counts tiers, reasons and what was saved", async () => {
    const served = { choice: "auto", tier: "small", as: "served" };
    const before = await gateway.pluginServer.metric("llm_route_usd_total", served);
    await routed("plain", easy);
    const dollars = (as: string) =>
      gateway.pluginServer.metric("llm_route_usd_total", { ...served, as });
    await expect.poll(() => dollars("served"), patience).toBeGreaterThan(before);
    expect(await dollars("baseline")).toBeGreaterThan(await dollars("served"));
  });

  it("leaves a model alone that fails, and goes upwards", async () => {
    gateway.upstream.behave({ match: small, status: 500, times: 3 });
    for (let i = 0; i < 3; i++) await routed("cooling", easy);
    const cooling = () => gateway.pluginServer.metric("llm_model_cooling", { model: small });
    await expect.poll(cooling, patience).toBe(1);
    expect(await routed("cooling", easy)).toBe(`tier=standard; model=${standard}; reason=cooldown`);
  });
});

describe("a choice whose small model fails, with second tries", () => {
  const lines: UsageLine[] = [];
  let both: TwoProviders;

  beforeAll(async () => {
    both = await startTwoProviders(
      (config) => {
        const tiers = (strong: string) => [
          { name: "small", candidates: [{ model: `b/${models.b}` }] },
          { name: "strong", candidates: [{ model: strong }] },
        ];
        config.route = {
          choices: [
            { name: "auto", tiers: tiers(models.a) },
            { name: "named", tiers: tiers(`a/${models.a}`) },
          ],
        };
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

  it.each([
    [429, "auto", models.a],
    [503, "auto", models.a],
    [503, "named", `a/${models.a}`],
  ])(
    "is served by the tier above in the same request after a %i, for %s: %s",
    async (status, model, strong) => {
      both.a.clear();
      both.b.clear();
      both.b.behave({ status });
      const answer = await fetch(`${both.gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": both.gateway.key },
        body: JSON.stringify({
          model,
          messages: [{ role: "user", content: `${easy} ${model} ${status}` }],
        }),
      });
      expect(answer.status).toBe(200);
      expect([both.b, both.a].map(({ requests }) => requests.map(({ model }) => model))).toEqual([
        [models.b],
        [models.a],
      ]);
      expect(answer.headers.get("x-llm-model")).toBe(models.a);
      expect(answer.headers.get("x-llm-tries")).toBe("2");
      expect(answer.headers.get("x-llm-route")).toBe(
        `tier=strong; model=${strong}; reason=second_try`,
      );
      const id = answer.headers.get("x-kong-request-id");
      const line = () => lines.find(({ request_id }) => request_id === id);
      await expect.poll(line, patience).toMatchObject({
        ...{ requested_model: model, model: models.a, tries: 2 },
        ...{ tier: "strong", tier_reason: "second_try" },
      });
    },
  );
});
