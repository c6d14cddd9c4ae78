import { afterEach, describe, expect, it } from "vitest";
import type { Exchange } from "../../stages/exchange";
import { runStages } from "../../stages/run";
import { prepareStage } from "../../stages/stage";
import type { Entry } from "./ledger";
import { closeLedgers, openLedger } from "./open-ledger";
import { usageOptions } from "./schema";
import { stage } from "./stage";

afterEach(closeLedgers);

const kept = usageOptions.parse({ log: false, ledger: { policy: "local" } });

function asking(consumer: Exchange["consumer"] = { id: "c", username: "app" }): Exchange {
  return {
    request: { id: "1", method: "GET", path: "/v1/usage", client_ip: "127.0.0.1" },
    consumer,
    body: undefined,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      ...{ id: "1", started_at: 0, method: "GET", endpoint: "usage", stream: false },
      consumer: consumer?.username,
      stages: {},
    },
    keep: 0,
  };
}

async function answerTo(exchange: Exchange, options = kept, told = {}) {
  const usage = prepareStage(stage, options);
  const teller = { ...usage, tell: () => told };
  const answer = (await runStages([usage, teller], exchange, undefined))!;
  return { status: answer.status, ...JSON.parse(answer.body) };
}

let ids = 0;
function entry(consumer: string, day: string, cost: number): Entry {
  const row = {
    ...{ team: "", end_user: null, model: "gpt-4.1", provider: "p", endpoint: "messages" },
    tags: {},
  };
  const amounts = { requests: 1, input_tokens: 100, output_tokens: 10, cost };
  return { id: `${++ids}`, day, started_at: 0, consumer, row, coarse: row, amounts };
}

describe("llm-usage › GET /v1/usage", () => {
  it("tells a caller what it has used itself, today and in this month", async () => {
    const ledger = openLedger(kept.ledger)!;
    const today = ledger.dayOf(Date.now());
    const otherDay = today.endsWith("-01")
      ? today.replace(/01$/, "02")
      : today.replace(/..$/, "01");
    await ledger.enter(entry("app", today, 12_000_001));
    await ledger.enter(entry("app", otherDay, 3));
    await ledger.enter(entry("neighbour", today, 1_000_000_000));
    const { status, object, consumer, use } = await answerTo(asking());
    expect([status, object, consumer]).toEqual([200, "usage", "app"]);
    expect(use.today).toMatchObject({ day: today, requests: 1, cost_usd: 0.012000001 });
    expect(use.month).toMatchObject({ requests: 2, input_tokens: 200, cost_usd: 0.012000004 });
    expect(use.month.models).toMatchObject([{ model: "gpt-4.1", requests: 2 }]);
    expect(JSON.stringify(use)).not.toContain("neighbour");
  });

  it("adds what the other stages tell: limits, and models with their prices", async () => {
    const limits = [{ of: "consumer", measure: "tokens", remaining: 5 }];
    const models = [
      { id: "gpt-4", served_by: [{ model: "gpt-4.1" }] },
      { id: "new", served_by: [{ model: "unheard-of" }] },
    ];
    const told = await answerTo(asking(), kept, { limits, models });
    expect(told.limits).toEqual(limits);
    const [known, unknown] = told.models;
    expect(known).toMatchObject({
      id: "gpt-4",
      served_by: [
        { model: "gpt-4.1", price: { input_usd_per_mtok: 8, as_of: expect.any(String) } },
      ],
    });
    expect(unknown.served_by).toEqual([{ model: "unheard-of", price: null }]);
  });

  it("tells of each provider's model the price that its bills have", async () => {
    const prices = [{ model: "b/gpt-4.1", input_usd_per_mtok: 1.6, output_usd_per_mtok: 6.4 }];
    const options = usageOptions.parse({ log: false, prices });
    const served_by = ["a", "b"].map((provider) => ({ model: "gpt-4.1", provider }));
    const { models } = await answerTo(asking(), options, { models: [{ id: "gpt-4", served_by }] });
    expect(models[0].served_by).toEqual([
      { ...served_by[0], price: expect.objectContaining({ input_usd_per_mtok: 8 }) },
      { ...served_by[1], price: expect.objectContaining({ input_usd_per_mtok: 1.6 }) },
    ]);
  });

  it("says null of what nobody here knows", async () => {
    const none = usageOptions.parse({ log: false });
    expect(await answerTo(asking(), none)).toMatchObject({ use: null, limits: null, models: null });
  });

  it("is for callers that are known", async () => {
    const { status, error } = await answerTo({ ...asking(), consumer: undefined });
    expect([status, error.code]).toEqual([401, "invalid_api_key"]);
  });

  it("says that it cannot tell while Redis is away", async () => {
    const redis = { url: "redis://127.0.0.1:1" };
    const away = usageOptions.parse({ log: false, ledger: { policy: "redis", redis } });
    const { status, error } = await answerTo(asking(), away);
    expect([status, error.code]).toEqual([503, "gateway_unavailable"]);
  });

  it("is counted like any other request", async () => {
    const exchange = asking();
    await answerTo(exchange);
    expect(exchange.ticket.stages).toMatchObject({ usage: { note: {} } });
  });
});
