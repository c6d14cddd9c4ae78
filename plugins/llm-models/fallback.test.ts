import { register } from "prom-client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import { log } from "../../stages/log";
import type { Outcome } from "../../stages/outcome";
import { type PreparedStage, prepareStage } from "../../stages/stage";
import { modelsOptions } from "./schema";
import { stage } from "./stage";

const options = modelsOptions.parse({
  aliases: [
    { name: "gpt-4", target: "gpt-4.1", fallbacks: ["o3-mini", "deepseek-chat"] },
    { name: "alone", target: "gpt-4.1" },
  ],
  access: [{ consumers: ["no-o3"], deny: ["o3*"] }, {}],
});

let services = 0;
let service: string;
let models: PreparedStage;

beforeEach(() => {
  // Cooldowns outlive configs, so each test has a service of its own.
  service = `service-${++services}`;
  models = prepareStage(stage, options);
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  vi.spyOn(log, "warn").mockImplementation(() => undefined);
  vi.spyOn(log, "info").mockImplementation(() => undefined);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Asked extends Exchange {
  note: unknown;
}

async function ask(model = "gpt-4", username = "anybody", at = service): Promise<Asked> {
  const exchange: Exchange = {
    request: { id: "r", method: "POST", path: "/", client_ip: "192.0.2.1", service: at },
    consumer: { id: "1", username },
    body: RequestBody.parse(JSON.stringify({ model })) as RequestBody,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      ...{ id: "r", started_at: 0, method: "POST", endpoint: "chat/completions" },
      ...{ stream: false, stages: {} },
    },
    keep: 0,
  };
  const decided = await models.decide(exchange);
  if (decided && "answer" in decided) throw new Error(decided.answer.body);
  return { ...exchange, note: decided?.note };
}

async function end(asked: Asked, status: number, more: Partial<Outcome> = {}): Promise<void> {
  const body = Buffer.from('{"choices":[{"message":{"content":"hi"}}]}');
  const outcome = {
    ...{ ticket: asked.ticket, status, source: "service", ended_at: Date.now() },
    ...{ content_type: "application/json", body, complete: true, truncated: false },
  };
  await models.learn({ ...outcome, ...more } as Outcome, asked.note);
}

const servedBy = ({ ticket }: Asked) => ticket.model?.served;
const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

/** The target fails and names a time, to which a second is added. */
async function failFor(seconds: number, model = "gpt-4"): Promise<void> {
  await end(await ask(model), 429, { retry_after: String(seconds) });
}

async function metric(name: string): Promise<unknown[]> {
  return (await register.getSingleMetric(name)!.get()).values;
}

async function cooling(): Promise<number | undefined> {
  const all = (await register.getSingleMetric("llm_model_cooling")!.get()).values;
  return all.find(({ labels }) => labels.service === service)?.value;
}

describe("llm-models fallback", () => {
  it("serves by the fallback while the target cools, on the fallback's own terms", async () => {
    await failFor(2);
    const asked = await ask();

    // A model that thinks gets no default bound, and none of the temperature.
    expect(JSON.parse(asked.body!.text)).toEqual({
      model: "o3-mini",
    });
    expect(asked.responseHeaders).toEqual({
      "X-LLM-Model": "o3-mini",
      "X-LLM-Fallback": "gpt-4.1",
    });
    expect(asked.ticket.model).toEqual({
      requested: "gpt-4",
      served: "o3-mini",
      label: "o3-mini",
      fallback_from: "gpt-4.1",
    });
  });

  it("does not blame the target for another model that a later stage chose", async () => {
    const asked = await ask();
    asked.ticket.model!.served = "deepseek-chat";
    await end(asked, 429, { retry_after: "2" });
    expect(servedBy(await ask())).toBe("gpt-4.1");
  });

  it("says nothing of fallbacks while the target is well", async () => {
    const asked = await ask();
    expect(asked.responseHeaders).toEqual({ "X-LLM-Model": "gpt-4.1" });
    expect(asked.ticket.model?.fallback_from).toBeUndefined();
  });

  it("comes back by itself: first one request, then all", async () => {
    await failFor(2);
    pass(2999);
    expect(servedBy(await ask())).toBe("o3-mini");
    pass(1);
    const probe = await ask();
    expect(servedBy(probe)).toBe("gpt-4.1");
    expect(servedBy(await ask())).toBe("o3-mini");

    await end(probe, 200);
    expect(servedBy(await ask())).toBe("gpt-4.1");
    expect(servedBy(await ask())).toBe("gpt-4.1");
  });

  it("goes on cooling when the probe fails, and probes again after that", async () => {
    await failFor(2);
    pass(3000);
    await end(await ask(), 503);
    pass(29_999);
    expect(servedBy(await ask())).toBe("o3-mini");
    pass(1);
    expect(servedBy(await ask())).toBe("gpt-4.1");
  });

  it.each([
    ["an answer from the cache", 200, { source: "cache" as const }],
    ["a refusal by another stage", 429, { source: "gateway" as const }],
    ["a client that went away", 499, {}],
    ["an answer about the request", 400, {}],
  ])("probes again at once after %s", async (_, status, more) => {
    await failFor(2);
    pass(3000);
    await end(await ask(), status, more);
    expect(servedBy(await ask())).toBe("gpt-4.1");
    expect(servedBy(await ask())).toBe("o3-mini");
  });

  const spent =
    "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.";

  it.each([
    [401, "Incorrect API key provided"],
    [402, "Insufficient credits"],
    [403, "Your account has been suspended"],
    [400, spent],
    // The upstream has retired it.
    [404, "The model `gpt-4.1` does not exist"],
  ])(
    "falls back when the only key, or the model itself, is refused with %i: %s",
    async (status, message) => {
      const body = Buffer.from(JSON.stringify({ error: { message } }));
      for (let times = 0; times < 3; times++) {
        const asked = await ask();
        expect(servedBy(asked)).toBe("gpt-4.1");
        await end(asked, status, { body });
      }
      expect(servedBy(await ask())).toBe("o3-mini");
    },
  );

  it("stays with a model whose key is refused while another one is awake", async () => {
    const keyed = async (key: [number, number], isAlone: boolean) => {
      const asked = await ask();
      asked.ticket.key = key;
      if (!isAlone) asked.ticket.other_key = true;
      return asked;
    };
    await end(await keyed([0, 2], false), 429, { retry_after: "30" });
    expect(servedBy(await ask())).toBe("gpt-4.1");
    await end(await keyed([1, 2], true), 429, { retry_after: "30" });
    expect(servedBy(await ask())).toBe("o3-mini");
  });

  it("stays with a model that another key served after a 429 in the same request", async () => {
    const failed = { try: 0, status: 429, retry_after: "30", key: [0, 2] as [number, number] };
    const after = { served_try: 1, first_byte_at: Date.now() };
    const asked = await ask();
    asked.ticket.tries = [{ served: "gpt-4.1", label: "gpt-4.1", key: [1, 2] }];
    await end(asked, 200, { ...after, failed_tries: [{ ...failed, other_key: true }] });
    expect(servedBy(await ask())).toBe("gpt-4.1");
  });

  it("probes again when a probe has no end within the time of a cooldown", async () => {
    await failFor(2);
    pass(3000);
    await ask();
    pass(29_999);
    expect(servedBy(await ask())).toBe("o3-mini");
    pass(1);
    expect(servedBy(await ask())).toBe("gpt-4.1");
  });

  it("leaves a model after three failures within 30 seconds", async () => {
    for (const failure of [
      { status: 500, more: {} },
      { status: 504, more: { source: "error" as const } },
      { status: 429, more: { retry_after: "0" } },
    ]) {
      const asked = await ask();
      expect(servedBy(asked)).toBe("gpt-4.1");
      await end(asked, failure.status, failure.more);
    }
    expect(servedBy(await ask())).toBe("o3-mini");
  });

  it("takes the next fallback when the first cools too, and none that the caller may not use", async () => {
    await failFor(60);
    expect(servedBy(await ask("gpt-4", "no-o3"))).toBe("deepseek-chat");
    await failFor(60);
    expect(servedBy(await ask())).toBe("deepseek-chat");
  });

  it("uses the model that is back first when all cool, and refuses nobody", async () => {
    await failFor(60);
    await failFor(20);
    await failFor(40);
    const asked = await ask();
    expect(servedBy(asked)).toBe("o3-mini");
    expect(asked.responseHeaders["X-LLM-Fallback"]).toBe("gpt-4.1");

    pass(1000);
    await end(asked, 200);
    expect(servedBy(await ask())).toBe("o3-mini");
  });

  it("learns also from requests by a name that has no fallbacks, and serves them all the same", async () => {
    await failFor(60, "alone");
    expect(servedBy(await ask("alone"))).toBe("gpt-4.1");
    expect(servedBy(await ask())).toBe("o3-mini");
  });

  it("notes nothing of models that are in no chain", async () => {
    expect((await ask("unknown")).note).toBeUndefined();
  });

  it("tells the models of two services apart", async () => {
    await failFor(60);
    expect(servedBy(await ask("gpt-4", "anybody", `${service}-b`))).toBe("gpt-4.1");
  });

  it("survives a push of a changed config", async () => {
    await failFor(60);
    models = prepareStage(stage, { ...options, max_tokens_limit: 77 });
    expect(servedBy(await ask())).toBe("o3-mini");
  });

  it("ignores a note that it did not write", async () => {
    const asked = await ask();
    const notes: unknown[] = [undefined, null, 7, [], {}, { service, model: "gpt-4.1" }];
    for (const note of notes) {
      await end({ ...asked, note }, 429, { retry_after: "60" });
    }
    expect(servedBy(await ask())).toBe("gpt-4.1");
  });

  it("says in the log when a model cools and when it is back, once each", async () => {
    const both = [await ask(), await ask()];
    for (const asked of both) await end(asked, 429, { retry_after: "2" });
    pass(3000);
    const probe = await ask();
    await end(probe, 200);

    const facts = { stage: "models", service, model: "gpt-4.1" };
    expect(vi.mocked(log.warn).mock.calls).toEqual([
      [{ ...facts, status: 429, cooldown_ms: 3000 }, "model cools down"],
    ]);
    expect(vi.mocked(log.info).mock.calls).toEqual([[{ ...facts, status: 200 }, "model is back"]]);
  });

  it("shows cooling models and counts fallbacks for the operator", async () => {
    register.getSingleMetric("llm_model_fallbacks_total")!.reset();
    await failFor(60);
    await ask();
    expect(await metric("llm_model_fallbacks_total")).toEqual([
      { value: 1, labels: { from: "gpt-4.1", to: "o3-mini" } },
    ]);
    expect(await cooling()).toBe(1);
  });

  it("shows a model as cooling until its probe is served, however often that fails", async () => {
    await failFor(60);
    for (let tried = 0; tried < 20; tried++) {
      pass(61_000);
      expect(await cooling()).toBe(1);
      await end(await ask(), tried < 19 ? 503 : 200);
    }
    expect(await cooling()).toBe(0);
  });

  it("shows one that no request asks any more for five minutes after its cooldown", async () => {
    await failFor(60);
    pass(61_000 + 299_999);
    expect(await cooling()).toBe(1);
    pass(1);
    expect(await cooling()).toBe(0);
    // It is still found out about by one request alone.
    expect(servedBy(await ask())).toBe("gpt-4.1");
    expect(servedBy(await ask())).toBe("o3-mini");
  });
});
