import { describe, expect, it } from "vitest";
import { endpointOf } from "../../families/endpoint-path";
import { RequestBody } from "../../openai/request-body";
import type { Answer, Consumer, Exchange } from "../../stages/exchange";
import { modelsOptions } from "./schema";
import { stage } from "./stage";

const options = modelsOptions.parse({
  aliases: [
    { name: "gpt-4", target: "gpt-4.1" },
    { name: "claude*", target: "claude-sonnet-4-20250514" },
    { name: "claude-opus", target: "never-reached" },
  ],
  models: ["gpt-4.1-mini"],
});

function exchangeOf(
  body: object | undefined,
  path = "/v1/chat/completions",
  consumer?: Consumer,
): Exchange {
  const method = body ? "POST" : "GET";
  const parsed = body ? RequestBody.parse(JSON.stringify(body)) : undefined;
  if (parsed && "problem" in parsed) throw new Error(parsed.problem);
  return {
    request: { id: "r1", method, path, client_ip: "127.0.0.1" },
    consumer,
    body: parsed,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      id: "r1",
      started_at: 0,
      method,
      endpoint: endpointOf(method, path),
      stream: parsed?.get("stream") === true,
      stages: {},
    },
    keep: 0,
  };
}

async function decide(exchange: Exchange, given = options): Promise<Answer | undefined> {
  const decided = await stage.decide(exchange, stage.prepare(given));
  return decided && "answer" in decided ? decided.answer : undefined;
}

async function sent(
  body: object,
  given = options,
  path?: string,
): Promise<Record<string, unknown>> {
  const exchange = exchangeOf(body, path);
  expect(await decide(exchange, given)).toBeUndefined();
  return JSON.parse(exchange.body!.text);
}

describe("llm-models", () => {
  describe("a requested model", () => {
    it.each([
      ["gpt-4", "gpt-4.1", "gpt-4.1"],
      ["claude", "claude-sonnet-4-20250514", "claude-sonnet-4-20250514"],
      ["claude-opus", "claude-sonnet-4-20250514", "claude-sonnet-4-20250514"],
      ["gpt-4.1-mini", "gpt-4.1-mini", "gpt-4.1-mini"],
      ["gpt-4-turbo", "gpt-4-turbo", "other"],
      ["GPT-4", "GPT-4", "other"],
    ])("%s is served by %s and measured as %s", async (requested, served, label) => {
      const exchange = exchangeOf({ model: requested });
      await decide(exchange);
      expect(exchange.ticket.model).toEqual({ requested, served, label });
      expect(exchange.responseHeaders["X-LLM-Model"]).toBe(served);
      expect(exchange.body!.get("model")).toBe(served);
    });

    it("is a 404 model_not_found where unknown models are rejected", async () => {
      const strict = { ...options, unknown_models: "reject" as const };
      const answer = await decide(exchangeOf({ model: "gpt-5" }), strict);
      expect(answer?.status).toBe(404);
      expect(JSON.parse(answer!.body).error).toMatchObject({
        code: "model_not_found",
        param: "model",
        message: expect.stringContaining('"gpt-5"'),
      });
      expect(await decide(exchangeOf({ model: "gpt-4" }), strict)).toBeUndefined();
    });

    it.each([
      undefined,
      4,
      null,
      "",
      ["gpt-4"],
      "a\r\nX-Evil: 1",
      " gpt-4",
      "gpt-4 ",
      "x".repeat(201),
    ])("%j is a 400 that names the member", async (model) => {
      const answer = await decide(exchangeOf({ model }));
      expect(answer?.status).toBe(400);
      expect(JSON.parse(answer!.body).error.param).toBe("model");
    });
  });

  describe("what the client left out", () => {
    it("gets the configured defaults", async () => {
      expect(await sent({ model: "gpt-4" })).toEqual({
        model: "gpt-4.1",
        temperature: 0.7,
        max_tokens: 2048,
      });
    });

    it.each([
      [{ temperature: 0 }, { temperature: 0, max_tokens: 2048 }],
      [{ max_tokens: 5 }, { temperature: 0.7, max_tokens: 5 }],
      [{ max_completion_tokens: 5 }, { temperature: 0.7, max_completion_tokens: 5 }],
      [{ temperature: null }, { temperature: 0.7, max_tokens: 2048 }],
    ])("stays as sent where it was sent: %j", async (given, wanted) => {
      expect(await sent({ model: "gpt-4.1", ...given })).toEqual({ model: "gpt-4.1", ...wanted });
    });

    it("is bounded by max_output_tokens for the responses endpoint", async () => {
      expect(await sent({ model: "gpt-4" }, options, "/v1/responses")).toEqual({
        model: "gpt-4.1",
        temperature: 0.7,
        max_output_tokens: 2048,
      });
    });

    it("stays out of embeddings", async () => {
      expect(await sent({ model: "e", input: "x" }, options, "/v1/embeddings")).toEqual({
        model: "e",
        input: "x",
      });
    });

    it("stays out where the defaults are switched off", async () => {
      const off = { ...options, defaults: { temperature: -1, max_tokens: 0 } };
      const exchange = exchangeOf({ model: "gpt-4.1" });
      await decide(exchange, off);
      expect(exchange.body!.changed).toBe(false);
    });
  });

  describe("a stream", () => {
    const sentStream = (more: object) => sent({ model: "m", stream: true, ...more });

    it("is asked for its usage", async () => {
      expect((await sentStream({})).stream_options).toEqual({ include_usage: true });
    });

    it("keeps its other stream options", async () => {
      expect((await sentStream({ stream_options: { x: 1 } })).stream_options).toEqual({
        x: 1,
        include_usage: true,
      });
    });

    it.each([false, null])("is asked for it where include_usage is %s, too", async (asked) => {
      const stream_options = { include_usage: asked };
      expect((await sentStream({ stream_options })).stream_options).toEqual({
        include_usage: true,
      });
    });
  });

  it("leaves stream options that are no object to the upstream to refuse", async () => {
    const body = { model: "m", stream: true, stream_options: ["include_usage"] };
    expect((await sent(body)).stream_options).toEqual(["include_usage"]);
  });

  describe("access", () => {
    const restricted = modelsOptions.parse({
      aliases: [
        { name: "gpt-4", target: "gpt-4.1" },
        { name: "fast", target: "gpt-4.1-mini" },
        { name: "claude*", target: "claude-sonnet-4" },
      ],
      models: ["deepseek-chat"],
      access: [
        { consumers: ["research"] },
        { consumers: ["budget"], allow: ["fast", "deepseek-*"] },
        { tags: ["no-us"], deny: ["gpt-*", "claude-sonnet*"] },
        { consumers: ["writers"], allow: ["claude*"] },
      ],
      unknown_models: "reject",
    });
    const callers: Record<string, Consumer> = {
      research: { id: "1", username: "research" },
      budget: { id: "2", username: "budget" },
      "no-us": { id: "3", username: "x", tags: ["no-us"] },
      writers: { id: "4", custom_id: "writers" },
      stranger: { id: "5", username: "stranger" },
    };

    const lists: [string, string[]][] = [
      [
        "research",
        ["gpt-4", "fast", "gpt-4.1", "gpt-4.1-mini", "claude-sonnet-4", "deepseek-chat"],
      ],
      ["budget", ["fast", "deepseek-chat"]],
      ["no-us", ["deepseek-chat"]],
      ["writers", ["claude-sonnet-4"]],
      ["stranger", []],
    ];
    const everyName = lists[0]![1];

    it.each(lists)("lists for %s: %j", async (who, wanted) => {
      const answer = await decide(exchangeOf(undefined, "/v1/models", callers[who]), restricted);
      expect(JSON.parse(answer!.body).data.map(({ id }: { id: string }) => id)).toEqual(wanted);
    });

    it.each(lists)("serves %s what it lists for it, and nothing else", async (who, wanted) => {
      const served: string[] = [];
      for (const model of everyName) {
        const answer = await decide(exchangeOf({ model }, undefined, callers[who]), restricted);
        const shown = await decide(
          exchangeOf(undefined, `/v1/models/${model}`, callers[who]),
          restricted,
        );
        expect(shown?.status).toBe(answer ? 404 : 200);
        if (!answer) served.push(model);
      }
      expect(served).toEqual(wanted);
    });

    it("answers for a closed model exactly as for one that does not exist", async () => {
      const ask = async (model: string) =>
        (await decide(exchangeOf({ model }, undefined, callers.budget), restricted))!;
      const [closed, missing] = [await ask("gpt-4"), await ask("gpt-0")];
      expect(closed.status).toBe(404);
      expect(closed.headers).toEqual(missing.headers);
      expect(closed.body.replaceAll("gpt-4", "NAME")).toBe(
        missing.body.replaceAll("gpt-0", "NAME"),
      );
    });
  });

  it.each([
    { models: ["gpt-4.1"] },
    { fallbacks: [{ model: "GPT-4.1" }] },
    { fallbacks: [{ "gpt-4o": ["gpt-4.1"] }] },
    { fallbacks: "default" },
  ])("is no way to a denied model by %j", async (more) => {
    const closed = modelsOptions.parse({ access: [{ deny: ["gpt-4.1"] }] });
    const answer = await decide(exchangeOf({ model: "gpt-4o", ...more }), closed);
    expect(answer?.status).toBeGreaterThan(399);
    expect(await decide(exchangeOf({ model: "gpt-4o", ...more }), options)).toBeUndefined();
  });

  describe("a stored prompt in place of a model", () => {
    const ask = (given = options) =>
      decide(exchangeOf({ prompt: { id: "pmpt_1" } }, "/v1/responses"), given);

    it("passes where unknown models pass, with its own settings", async () => {
      expect(await ask()).toBeUndefined();
      const limited = modelsOptions.parse({ max_tokens_limit: 100 });
      const prompt = { id: "pmpt_1" };
      expect(await sent({ prompt }, options, "/v1/responses")).toEqual({ prompt });
      expect(await sent({ prompt }, limited, "/v1/responses")).toEqual({
        prompt,
        max_output_tokens: 100,
      });
    });

    it.each([{ access: [{ allow: ["*"] }] }, { unknown_models: "reject" as const }])(
      "is refused by its name under %j",
      async (given) => {
        const answer = await ask(modelsOptions.parse(given));
        expect(answer?.status).toBe(400);
        expect(JSON.parse(answer!.body).error.message).toContain('the stored prompt "pmpt_1"');
      },
    );
  });

  it("a model with a name in another script passes, percent-encoded in the header", async () => {
    const exchange = exchangeOf({ model: "深度求索/chat" });
    expect(await decide(exchange)).toBeUndefined();
    expect(exchange.body?.get("model")).toBe("深度求索/chat");
    expect(exchange.responseHeaders["X-LLM-Model"]).toBe(
      "%E6%B7%B1%E5%BA%A6%E6%B1%82%E7%B4%A2/chat",
    );
  });

  describe("a request that a later stage sends on as another model", () => {
    const given = modelsOptions.parse({
      aliases: [{ name: "gpt-4", target: "gpt-4.1", defaults: { max_tokens: 500 } }],
      model_rules: [{ model: "small", max_tokens_limit: 100 }],
      completion_tokens_models: ["o3*"],
      fixed_temperature_models: ["o3*"],
      access: [{ allow: ["*"], deny: ["closed"] }],
    });
    const prepared = stage.prepare(given);

    async function adapted(body: object, model: string): Promise<Record<string, unknown>> {
      const exchange = exchangeOf({ model: "gpt-4", ...body });
      expect(await decide(exchange, given)).toBeUndefined();
      stage.adapt!(exchange, model, prepared);
      const { model: _, ...members } = JSON.parse(exchange.body!.text);
      return members;
    }

    it("may be none that its caller may not use", async () => {
      const exchange = exchangeOf({ model: "gpt-4" });
      await decide(exchange, given);
      expect(stage.permits!(exchange, "small", prepared)).toBe(true);
      expect(stage.permits!(exchange, "closed", prepared)).toBe(false);
    });

    it.each([
      ["the other's bound", {}, "small", { max_tokens: 100, temperature: 0.7 }],
      ["what the other takes", {}, "o3", { max_completion_tokens: 500 }],
      [
        "nothing that the other is known to refuse",
        { temperature: 0.2, top_p: 0.9, max_tokens: 50 },
        "o3",
        { max_completion_tokens: 50 },
      ],
      [
        "what its client sent",
        { temperature: 1, max_tokens: 9 },
        "small",
        { temperature: 1, max_tokens: 9 },
      ],
      [
        "no more than the other's bound",
        { max_tokens: 900 },
        "small",
        { max_tokens: 100, temperature: 0.7 },
      ],
      [
        "its client's bound in the other's words",
        { max_tokens: 9 },
        "o3",
        { max_completion_tokens: 9 },
      ],
      [
        "no more than the other is known to write",
        { max_tokens: 30_000, temperature: 1 },
        "gpt-4o",
        { max_tokens: 16_384, temperature: 1 },
      ],
    ])("gets %s", async (_, body, model, members) => {
      expect(await adapted(body, model)).toEqual(members);
    });

    it("keeps a bound above what its own model writes: whoever asks knows that model", async () => {
      const exchange = exchangeOf({ model: "gpt-4o", max_tokens: 30_000 });
      await decide(exchange, given);
      expect(exchange.body!.get("max_tokens")).toBe(30_000);
    });

    it("stays as it is where it names no model", () => {
      const exchange = exchangeOf(undefined, "/v1/files");
      stage.adapt!(exchange, "small", prepared);
      expect(stage.permits!(exchange, "closed", prepared)).toBe(false);
    });
  });

  it("speaks of the base_url only where the path has no version", async () => {
    const said = async (path: string) => (await decide(exchangeOf(undefined, path)))!.body;
    expect(await said("/v1/messages/batches")).not.toContain("base_url");
    expect(await said("/api/tags")).toContain("let base_url end in /v1");
  });

  describe("GET /v1/models", () => {
    const list = async (path: string) => (await decide(exchangeOf(undefined, path)))!;

    it("lists aliases first, then the models behind them, without patterns", async () => {
      const { data, object } = JSON.parse((await list("/v1/models")).body);
      expect(object).toBe("list");
      expect(data.map(({ id }: { id: string }) => id)).toEqual([
        "gpt-4",
        "claude-opus",
        "gpt-4.1",
        "claude-sonnet-4-20250514",
        "never-reached",
        "gpt-4.1-mini",
      ]);
    });

    it("describes one model", async () => {
      const answer = await list("/v1/models/gpt-4");
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({ id: "gpt-4", object: "model" });
    });

    it("answers 404 for a model that is not there", async () => {
      expect((await list("/v1/models/no%20such")).status).toBe(404);
    });
  });
});
