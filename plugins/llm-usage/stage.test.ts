import { register } from "prom-client";
import { beforeEach, describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import type { Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { prepareStage } from "../../stages/stage";
import { usageOptions } from "./schema";
import { stage } from "./stage";

const options = usageOptions.parse({ log: false, metrics_models: ["o3"] });
const prepared = stage.prepare(options);

beforeEach(() => register.resetMetrics());

function asking(body: object): Exchange {
  const text = JSON.stringify(body);
  return {
    request: { id: "0123", method: "POST", path: "/v1/chat/completions", client_ip: "127.0.0.1" },
    consumer: undefined,
    body: RequestBody.parse(text) as RequestBody,
    upstreamHeaders: {},
    responseHeaders: {},
    ticket: {
      id: "0123",
      started_at: 1000,
      method: "POST",
      endpoint: "chat/completions",
      stream: false,
      consumer: "team-a",
      model: { requested: "gpt-4", served: "gpt-4.1", label: "gpt-4.1" },
      stages: {},
    },
    keep: 0,
  };
}

async function noteOf(exchange: Exchange) {
  const decided = await stage.decide(exchange, prepared);
  return decided && "note" in decided ? decided.note : undefined;
}

function ended(exchange: Exchange, change: Partial<Outcome> = {}): Outcome {
  const usage = {
    prompt_tokens: 1000,
    completion_tokens: 500,
    prompt_tokens_details: { cached_tokens: 200 },
    completion_tokens_details: { reasoning_tokens: 30 },
  };
  return {
    ticket: exchange.ticket,
    status: 200,
    source: "service",
    content_type: "application/json",
    body: Buffer.from(JSON.stringify({ usage })),
    complete: true,
    truncated: false,
    started_at: 1000,
    first_byte_at: 1250,
    ended_at: 3000,
    ...change,
  };
}

/** The samples of /metrics that are not zero, of our requests only. */
async function samples(): Promise<string[]> {
  const text = await register.metrics();
  return text.split("\n").filter((line) => /^llm_/.test(line) && !/ 0$/.test(line));
}

describe("llm-usage", () => {
  describe("looks at a request", () => {
    it("and asks for enough of its answer, without taking less than others want", async () => {
      const exchange = asking({ model: "gpt-4", messages: [] });
      await stage.decide(exchange, prepared);
      expect(exchange.keep).toBe(16 * 1024);
      exchange.keep = 1_000_000;
      await stage.decide(exchange, prepared);
      expect(exchange.keep).toBe(1_000_000);
    });

    it("and notes the model and the size of the prompt, never the prompt", async () => {
      const messages = [{ role: "user", content: "secret plan".repeat(4) }];
      const note = await noteOf(asking({ model: "m".repeat(5000), messages }));
      expect(note).toEqual({ model: "m".repeat(200), tokens: 15 });
    });

    it("and changes nothing of it", async () => {
      const exchange = asking({ model: "gpt-4", messages: [] });
      await stage.decide(exchange, prepared);
      expect(exchange.body?.changed).toBe(false);
      expect([exchange.upstreamHeaders, exchange.responseHeaders]).toEqual([{}, {}]);
    });
  });

  describe("counts", () => {
    it("a request of the upstream with its tokens, cost and time", async () => {
      await stage.learn?.(ended(asking({ model: "gpt-4" })), undefined, prepared);
      const counted = await samples();
      expect(counted).toEqual(
        expect.arrayContaining([
          'llm_requests_total{model="gpt-4.1",status="200",endpoint="chat/completions",source="service"} 1',
          'llm_request_duration_seconds_sum{model="gpt-4.1"} 2',
          'llm_request_duration_seconds_bucket{le="2.5",model="gpt-4.1"} 1',
          'llm_tokens_total{model="gpt-4.1",type="input"} 1000',
          'llm_tokens_total{model="gpt-4.1",type="output"} 500',
          'llm_tokens_total{model="gpt-4.1",type="cached_input"} 200',
          'llm_tokens_total{model="gpt-4.1",type="reasoning"} 30',
          'llm_cost_usd_total{model="gpt-4.1",consumer="team-a"} 0.012',
        ]),
      );
      expect(counted.join()).not.toContain("llm_time_to_first_token");
    });

    it("the first token of a stream", async () => {
      const exchange = asking({ model: "gpt-4" });
      exchange.ticket.stream = true;
      await stage.learn?.(ended(exchange), undefined, prepared);
      expect(await samples()).toContain(
        'llm_time_to_first_token_seconds_bucket{le="0.25",model="gpt-4.1"} 1',
      );
    });

    it("a hit as a request and a hit, without tokens, cost or time", async () => {
      const exchange = asking({ model: "gpt-4" });
      exchange.ticket.cache = "Hit";
      await stage.learn?.(ended(exchange, { source: "cache" }), undefined, prepared);
      expect(await samples()).toEqual([
        'llm_requests_total{model="gpt-4.1",status="200",endpoint="chat/completions",source="cache"} 1',
        'llm_consumer_requests_total{consumer="team-a",result="served"} 1',
        'llm_cache_saved_usd_total{model="gpt-4.1"} 0.012',
        'llm_cache_requests_total{status="hit"} 1',
      ]);
    });

    it.each<[string, Partial<Outcome>]>([
      ["served", {}],
      ["limited", { status: 429, source: "gateway" }],
      ["refused", { status: 404, source: "gateway" }],
      ["refused", { status: 401, source: "exit" }],
      ["failed", { status: 429 }],
      ["failed", { status: 502, source: "error" }],
      ["failed", { cut_by: "upstream", complete: false }],
      ["left", { cut_by: "client", complete: false }],
      ["left", { status: 499, cut_by: "unknown", complete: false }],
    ])("for whom a request was %s: %j", async (result, change) => {
      await stage.learn?.(ended(asking({ model: "gpt-4" }), change), undefined, prepared);
      const ofConsumer = (await samples()).filter((line) => line.includes("consumer_requests"));
      expect(ofConsumer).toEqual([
        `llm_consumer_requests_total{consumer="team-a",result="${result}"} 1`,
      ]);
    });

    it("who cut an answer, and that its tokens are an estimate", async () => {
      const exchange = asking({ model: "gpt-4" });
      const cut = { complete: false, cut_by: "client", body: Buffer.from("data: {}") } as const;
      const note = { model: "gpt-4", tokens: 7 };
      await stage.learn?.(
        ended(exchange, { ...cut, content_type: "text/event-stream" }),
        note,
        prepared,
      );
      expect(await samples()).toEqual(
        expect.arrayContaining([
          'llm_answers_cut_total{model="gpt-4.1",by="client"} 1',
          'llm_usage_estimated_total{model="gpt-4.1"} 1',
          'llm_consumer_tokens_total{consumer="team-a",type="input"} 7',
        ]),
      );
    });

    it("a status that no HTTP server sends under one name", async () => {
      await stage.learn?.(
        ended(asking({ model: "gpt-4" }), { status: 12345 }),
        undefined,
        prepared,
      );
      expect((await samples())[0]).toContain('status="other"');
    });

    it("a refusal by its status", async () => {
      const refused = ended(asking({ model: "gpt-4" }), { source: "gateway", status: 429 });
      await stage.learn?.(refused, undefined, prepared);
      expect(await samples()).toEqual([
        'llm_requests_total{model="gpt-4.1",status="429",endpoint="chat/completions",source="gateway"} 1',
        'llm_consumer_requests_total{consumer="team-a",result="limited"} 1',
      ]);
    });

    it("what a refused request asked for when llm-models never saw it", async () => {
      const exchange = asking({ model: "o3" });
      exchange.ticket.model = undefined;
      const note = await noteOf(exchange);
      await stage.learn?.(ended(exchange, { source: "gateway", status: 503 }), note, prepared);
      expect((await samples())[0]).toContain('model="o3"');
    });

    it("under other whatever a note says that nobody has configured", async () => {
      const exchange = asking({ model: "o3" });
      exchange.ticket.model = undefined;
      const whole = prepareStage(stage, options);
      const notes: unknown[] = [{ model: "x" }, { model: 1, tokens: "2" }, null, [1], "x"];
      for (const note of notes) {
        await whole.learn(ended(exchange, { source: "gateway", status: 400 }), note);
      }
      expect(await samples()).toEqual([
        'llm_requests_total{model="other",status="400",endpoint="chat/completions",source="gateway"} 5',
        'llm_consumer_requests_total{consumer="team-a",result="refused"} 5',
      ]);
    });
  });

  // What promtool check metrics asks for.
  it("names its metrics as Prometheus wants them", async () => {
    const metrics = (await register.getMetricsAsJSON()).filter(({ name }) => /^llm_/.test(name));
    expect(metrics.length).toBeGreaterThanOrEqual(7);
    for (const { name, help, type } of metrics) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(help).toMatch(/^[A-Z1].{20,}[^.]$/);
      expect(name.endsWith("_total")).toBe(String(type) === "counter");
      if (String(type) === "histogram") expect(name).toMatch(/_seconds$/);
    }
  });
});
