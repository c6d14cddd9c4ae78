import { describe, expect, it } from "vitest";
import type { Answer, Exchange } from "../../kong/exchange";
import { endpointOf } from "../../openai/endpoint";
import { RequestBody } from "../../openai/request-body";
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

function exchangeOf(body: object | undefined, path = "/v1/chat/completions"): Exchange {
  const method = body ? "POST" : "GET";
  const parsed = body ? RequestBody.parse(JSON.stringify(body)) : undefined;
  if (parsed && "problem" in parsed) throw new Error(parsed.problem);
  return {
    request: { id: "r1", method, path, client_ip: "127.0.0.1" },
    consumer: undefined,
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

function decide(exchange: Exchange, given = options): Answer | undefined {
  const decided = stage.decide(exchange, stage.prepare(given));
  return decided && "answer" in decided ? decided.answer : undefined;
}

function sent(body: object, given = options, path?: string): Record<string, unknown> {
  const exchange = exchangeOf(body, path);
  expect(decide(exchange, given)).toBeUndefined();
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
    ])("%s is served by %s and measured as %s", (requested, served, label) => {
      const exchange = exchangeOf({ model: requested });
      decide(exchange);
      expect(exchange.ticket.model).toEqual({ requested, served, label });
      expect(exchange.responseHeaders["X-LLM-Model"]).toBe(served);
      expect(exchange.body!.get("model")).toBe(served);
    });

    it("is a 404 model_not_found where unknown models are rejected", () => {
      const strict = { ...options, unknown_models: "reject" as const };
      const answer = decide(exchangeOf({ model: "gpt-5" }), strict);
      expect(answer?.status).toBe(404);
      expect(JSON.parse(answer!.body).error).toMatchObject({
        code: "model_not_found",
        param: "model",
        message: expect.stringContaining('"gpt-5"'),
      });
      expect(decide(exchangeOf({ model: "gpt-4" }), strict)).toBeUndefined();
    });

    it.each([undefined, 4, null, "", ["gpt-4"], "a\r\nX-Evil: 1", "x".repeat(201)])(
      "%j is a 400 that names the member",
      (model) => {
        const answer = decide(exchangeOf({ model }));
        expect(answer?.status).toBe(400);
        expect(JSON.parse(answer!.body).error.param).toBe("model");
      },
    );
  });

  describe("what the client left out", () => {
    it("gets the configured defaults", () => {
      expect(sent({ model: "gpt-4" })).toEqual({
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
    ])("stays as sent where it was sent: %j", (given, wanted) => {
      expect(sent({ model: "gpt-4.1", ...given })).toEqual({ model: "gpt-4.1", ...wanted });
    });

    it("is bounded by max_output_tokens for the responses endpoint", () => {
      expect(sent({ model: "gpt-4" }, options, "/v1/responses")).toEqual({
        model: "gpt-4.1",
        temperature: 0.7,
        max_output_tokens: 2048,
      });
    });

    it("stays out of embeddings", () => {
      expect(sent({ model: "e", input: "x" }, options, "/v1/embeddings")).toEqual({
        model: "e",
        input: "x",
      });
    });

    it("stays out where the defaults are switched off", () => {
      const off = { ...options, defaults: { temperature: -1, max_tokens: 0 } };
      const exchange = exchangeOf({ model: "gpt-4.1" });
      decide(exchange, off);
      expect(exchange.body!.changed).toBe(false);
    });
  });

  describe("a stream", () => {
    const sentStream = (more: object) => sent({ model: "m", stream: true, ...more });

    it("is asked for its usage", () => {
      expect(sentStream({}).stream_options).toEqual({ include_usage: true });
    });

    it("keeps its other stream options", () => {
      expect(sentStream({ stream_options: { x: 1 } }).stream_options).toEqual({
        x: 1,
        include_usage: true,
      });
    });

    it("keeps what the client says about usage", () => {
      expect(sentStream({ stream_options: { include_usage: false } }).stream_options).toEqual({
        include_usage: false,
      });
    });
  });

  describe("GET /v1/models", () => {
    const list = (path: string) => decide(exchangeOf(undefined, path))!;

    it("lists aliases first, then the models behind them, without patterns", () => {
      const { data, object } = JSON.parse(list("/v1/models").body);
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

    it("describes one model", () => {
      const answer = list("/v1/models/gpt-4");
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toMatchObject({ id: "gpt-4", object: "model" });
    });

    it("answers 404 for a model that is not there", () => {
      expect(list("/v1/models/no%20such").status).toBe(404);
      expect(list("/v1/models/%zz").status).toBe(404);
    });
  });
});
