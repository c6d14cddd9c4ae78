import { register } from "prom-client";
import { describe, expect, it } from "vitest";
import { endpointOf } from "../../families/endpoint-path";
import { RequestBody } from "../../openai/request-body";
import type { Answer, Consumer, Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { routeNeeds } from "./needs";
import { routeOptions } from "./schema";
import { stage } from "./stage";

const tiers = [
  { name: "small", candidates: [{ model: "deepseek-v3.2" }] },
  { name: "standard", candidates: [{ model: "gpt-4.1" }] },
  { name: "strong", candidates: [{ model: "claude-sonnet-4.5" }] },
];
const optionsOf = (more: object = {}) =>
  routeOptions.parse({ choices: [{ name: "auto", tiers, ...more }] });

function exchangeOf(
  content: string,
  more: object = {},
  {
    path = "/v1/chat/completions",
    headers = {} as Record<string, string>,
    consumer = undefined as Consumer | undefined,
  } = {},
): Exchange {
  const text = JSON.stringify({ model: "auto", messages: [{ role: "user", content }], ...more });
  const body = RequestBody.parse(text);
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  const endpoint = endpointOf("POST", path);
  return {
    request: { id: "r1", method: "POST", path, client_ip: "127.0.0.1", headers },
    ...{ consumer, body, upstreamHeaders: {}, responseHeaders: {}, keep: 0 },
    ticket: { id: "r1", started_at: 0, method: "POST", endpoint, stream: false, stages: {} },
  };
}

async function decide(exchange: Exchange, options = optionsOf()): Promise<Answer | undefined> {
  const decided = await stage.decide(exchange, stage.prepare(options));
  return decided && "answer" in decided ? decided.answer : undefined;
}

async function valuesOf(name: string): Promise<object[]> {
  return (await register.getSingleMetric(name)!.get()).values;
}

const hard = "Prove rigorously, step by step, that this lock-free algorithm is linearizable.";

describe("llm-route", () => {
  it.each([
    ["안녕하세요!", "small", "deepseek-v3.2"],
    [hard, "strong", "claude-sonnet-4.5"],
  ])("sends %s to the tier %s", async (content, tier, model) => {
    const exchange = exchangeOf(content);
    expect(await decide(exchange)).toBeUndefined();
    expect(JSON.parse(exchange.body!.text).model).toBe(model);
    expect(exchange.responseHeaders).toEqual({
      "X-LLM-Model": model,
      "X-LLM-Route": `tier=${tier}; model=${model}; reason=difficulty`,
    });
    expect(exchange.ticket.model).toEqual({ requested: "auto", served: model, label: model });
  });

  it("hands the others on, upwards first", async () => {
    const exchange = exchangeOf("안녕하세요!");
    await decide(exchange);
    expect(exchange.ticket.choice?.models).toEqual([
      ["deepseek-v3.2", "small"],
      ["gpt-4.1", "standard"],
      ["claude-sonnet-4.5", "strong"],
    ]);
  });

  it("says so where no model of the tier can do it, and another does", async () => {
    const exchange = exchangeOf("안녕하세요!", { response_format: { type: "json_schema" } });
    await decide(exchange);
    expect(exchange.responseHeaders["X-LLM-Route"]).toBe(
      "tier=standard; model=gpt-4.1; reason=ability",
    );
  });

  it("refuses what no model can do", async () => {
    const exchange = exchangeOf("안녕하세요!", { modalities: ["audio"] });
    const answer = await decide(exchange);
    expect(answer?.status).toBe(400);
    expect(answer?.error).toMatchObject({ code: "no_model_can", param: "model" });
    expect(answer?.body).toContain("(audio)");
  });

  it.each([
    ["is counted", "/v1/responses/input_tokens"],
    ["is made shorter", "/v1/responses/compact"],
  ])("chooses for a conversation that %s as for one that goes on", async (_, path) => {
    const exchange = exchangeOf("", { messages: undefined, input: "안녕하세요!" }, { path });
    expect(await decide(exchange)).toBeUndefined();
    expect(exchange.ticket.choice).toMatchObject({ tier: "small" });
  });

  it.each([
    ["another name", { model: "gpt-4.1" }, "/v1/chat/completions"],
    ["an endpoint whose models write no text", { input: "a" }, "/v1/embeddings"],
    ["a body without a name", { model: undefined }, "/v1/chat/completions"],
  ])("leaves %s alone", async (_, more, path) => {
    const exchange = exchangeOf("hello", more, { path });
    const before = exchange.body!.text;
    expect(await decide(exchange)).toBeUndefined();
    expect(exchange.body!.text).toBe(before);
    expect(exchange.ticket.choice).toBeUndefined();
    expect(exchange.responseHeaders).toEqual({});
  });

  describe("asked for a tier by the client", () => {
    const wishes = [{ tags: ["vip"], tiers: ["st*"] }];
    const vip: Consumer = { id: "1", tags: ["vip"] };
    const headers = { "x-llm-tier": "strong" };

    it("gives it, by header or by a member that goes no further", async () => {
      const byHeader = exchangeOf("hello", {}, { headers, consumer: vip });
      await decide(byHeader, optionsOf({ wishes }));
      expect(byHeader.ticket.choice).toMatchObject({ tier: "strong", reason: "wish" });
      const byMember = exchangeOf("hello", { llm_tier: "standard" }, { consumer: vip });
      await decide(byMember, optionsOf({ wishes }));
      expect(byMember.ticket.choice).toMatchObject({ tier: "standard", reason: "wish" });
      expect(JSON.parse(byMember.body!.text)).not.toHaveProperty("llm_tier");
    });

    it("does not listen to who may not wish, or not for that", async () => {
      const stranger = exchangeOf("hello", { llm_tier: "strong" });
      await decide(stranger, optionsOf({ wishes }));
      expect(stranger.ticket.choice).toMatchObject({ tier: "small", reason: "difficulty" });
      expect(stranger.body!.text).not.toContain("llm_tier");
      const small = exchangeOf(hard, { llm_tier: "small" }, { consumer: vip });
      await decide(small, optionsOf({ wishes }));
      expect(small.ticket.choice).toMatchObject({ tier: "strong", reason: "difficulty" });
    });

    it("takes an empty wish for none, and takes it off who names a model", async () => {
      const empty = exchangeOf(
        "hello",
        { llm_tier: "" },
        { headers: { "x-llm-tier": "" }, consumer: vip },
      );
      expect(await decide(empty, optionsOf({ wishes }))).toBeUndefined();
      expect(empty.ticket.choice).toMatchObject({ tier: "small", reason: "difficulty" });
      const named = exchangeOf(
        "hello",
        { model: "gpt-4.1", llm_tier: "strong" },
        { consumer: vip },
      );
      await decide(named, optionsOf({ wishes }));
      expect(JSON.parse(named.body!.text)).toMatchObject({ model: "gpt-4.1" });
      expect(named.body!.text).not.toContain("llm_tier");
      expect(named.ticket.choice).toBeUndefined();
    });

    it("refuses a tier that there is not", async () => {
      const exchange = exchangeOf("hello", { llm_tier: "huge" }, { consumer: vip });
      const answer = await decide(exchange, optionsOf({ wishes }));
      expect(answer?.error?.message).toBe(
        'There is no tier "huge": wish for one of small, standard, strong.',
      );
    });

    it("needs the header of Kong only where somebody may wish", () => {
      expect(routeNeeds(optionsOf()).headers).toEqual([]);
      const rules = [{ tier: "small", headers: [{ name: "X-App" }] }];
      expect(routeNeeds(optionsOf({ wishes, rules })).headers).toEqual(["x-app", "x-llm-tier"]);
    });
  });

  it("changes nothing in a dry run, and reports", async () => {
    const exchange = exchangeOf("안녕하세요!");
    const before = exchange.body!.text;
    expect(await decide(exchange, optionsOf({ dry_run: true }))).toBeUndefined();
    expect(exchange.body!.text).toBe(before);
    expect(exchange.ticket.model).toBeUndefined();
    expect(exchange.responseHeaders).toEqual({
      "X-LLM-Route": "tier=small; model=deepseek-v3.2; reason=difficulty; dry_run",
    });
  });

  it("refuses nothing in a dry run", async () => {
    const exchange = exchangeOf("안녕하세요!", { modalities: ["audio"] });
    expect(await decide(exchange, optionsOf({ dry_run: true }))).toBeUndefined();
    expect(exchange.ticket.choice).toBeUndefined();
    const wishing = exchangeOf("hello", { llm_tier: "huge" });
    expect(await decide(wishing, optionsOf({ dry_run: true, wishes: [{}] }))).toBeUndefined();
  });

  it("counts what was served beside what the baseline would have cost", async () => {
    const options = optionsOf({ name: "counted", baseline: "claude-sonnet-4.5" });
    const exchange = exchangeOf("안녕하세요!", { model: "counted" });
    const prepared = stage.prepare(options);
    const decided = await stage.decide(exchange, prepared);
    const usage = { prompt_tokens: 1000, completion_tokens: 1000 };
    const answer = { choices: [{ message: { content: "네" } }], usage };
    const outcome: Outcome = {
      ticket: JSON.parse(JSON.stringify(exchange.ticket)),
      ...{ status: 200, source: "service", content_type: "application/json" },
      body: Buffer.from(JSON.stringify(answer)),
      ...{ complete: true, truncated: false, started_at: 0, first_byte_at: 1, ended_at: 2 },
    };
    await stage.learn!(outcome, (decided as { note: { tokens: number } }).note, prepared);
    const labels = { choice: "counted", tier: "small" };
    expect(await valuesOf("llm_route_requests_total")).toContainEqual({
      ...{ labels: { ...labels, reason: "difficulty", mode: "serving" }, value: 1 },
    });
    const dollars = await valuesOf("llm_route_usd_total");
    expect(dollars).toContainEqual({ labels: { ...labels, as: "served" }, value: 0.00084 });
    expect(dollars).toContainEqual({ labels: { ...labels, as: "baseline" }, value: 0.03 });
  });
});
