// What an OTLP receiver gets of requests, as it comes over the wire, and that nothing waits for it.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../../dev/plugin-server";
import { version } from "../../package.json";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import {
  attributesOf,
  jsonOf,
  type OtlpReceiver,
  startOtlpReceiver,
  type WireSpan,
} from "../support/otlp-receiver";

const [internal, client] = [1, 3];
const failed = 2;
const cumulative = 2;

const environment = (url: string, more: Record<string, string> = {}) => ({
  KONG_LLM_TELEMETRY: "traces,metrics",
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=llm",
  OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  OTEL_BSP_SCHEDULE_DELAY: "50",
  OTEL_METRIC_EXPORT_INTERVAL: "200",
  ...more,
});

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";
const patience = { timeout: 30_000 };

let serial = 0;
const words = () => `question ${++serial} of the quarterly numbers`;

function ask(
  gateway: Gateway,
  body: object = {},
  headers: Record<string, string> = {},
  path = "/v1/chat/completions",
): Promise<Response> {
  const messages = [{ role: "user", content: words() }];
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key, ...headers },
    body: JSON.stringify({ model: "gpt-4", messages, max_tokens: 100, ...body }),
  });
}

/** The span of an answer, as soon as it has come. */
async function spanOf(receiver: OtlpReceiver, answer: Response): Promise<WireSpan> {
  await answer.text();
  const id = answer.headers.get("x-kong-request-id");
  const find = () =>
    receiver.spans().find((span) => attributesOf(span)["kong_llm.request_id"] === id);
  await expect.poll(find, patience).toBeDefined();
  return find()!;
}

describe.each(configurations)("telemetry of %s", (_, config) => {
  let receiver: OtlpReceiver;
  let gateway: Gateway;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    gateway = await startGateway({
      config,
      serverEnvironment: environment(receiver.url),
      edit: (kong) => Object.assign(kong.options("models"), { unknown_models: "reject" }),
    });
  });
  afterEach(() => gateway.upstream.clear());
  afterAll(async () => {
    await gateway?.stop();
    await receiver?.close();
  });

  it("is one span of a request: what was asked, who served, what it took and cost", async () => {
    const before = Date.now();
    const span = await spanOf(receiver, await ask(gateway));
    expect(span).toMatchObject({
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      name: "chat gpt-4.1",
      kind: client,
      status: { code: 0 },
    });
    expect(span.parentSpanId ?? "").toBe("");
    const [start, end] = [span.startTimeUnixNano, span.endTimeUnixNano].map(Number) as [
      number,
      number,
    ];
    expect(start / 1e6).toBeGreaterThan(before - 1000);
    expect(end).toBeGreaterThanOrEqual(start);
    const told = attributesOf(span);
    expect(told).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4.1",
      "gen_ai.response.model": "gpt-4.1",
      "gen_ai.usage.input_tokens": expect.any(Number),
      "gen_ai.usage.output_tokens": expect.any(Number),
      "http.response.status_code": 200,
      "kong_llm.requested_model": "gpt-4",
      "kong_llm.endpoint": "chat/completions",
      "kong_llm.route": expect.any(String),
      "kong_llm.provider": "llm-upstream",
      "kong_llm.consumer": "demo-app",
      "kong_llm.source": "service",
      "kong_llm.cost_usd": expect.any(Number),
    });
    expect(told["gen_ai.usage.input_tokens"]).toBeGreaterThan(0);
    expect(told).not.toHaveProperty("gen_ai.request.stream");
  });

  it("belongs to the client's trace, with its state; what is malformed begins one of its own", async () => {
    const headers = { traceparent: `00-${trace}-${parent}-01`, tracestate: "vendor=a1" };
    const span = await spanOf(receiver, await ask(gateway, {}, headers));
    expect(span).toMatchObject({ traceId: trace, parentSpanId: parent, traceState: "vendor=a1" });
    for (const traceparent of [`00-${"0".repeat(32)}-${parent}-01`, "nonsense", `00-${trace}-01`]) {
      const own = await spanOf(receiver, await ask(gateway, {}, { traceparent }));
      expect(own.traceId).not.toBe(trace);
      expect(own.parentSpanId ?? "").toBe("");
    }
  });

  it("follows the client's decision not to sample", async () => {
    const unsampled = { traceparent: `00-${trace}-${parent}-00` };
    const answer = await ask(gateway, {}, unsampled);
    await answer.text();
    await spanOf(receiver, await ask(gateway));
    const ids = receiver.spans().map((span) => attributesOf(span)["kong_llm.request_id"]);
    expect(ids).not.toContain(answer.headers.get("x-kong-request-id"));
  });

  it("tells of a stream the time to its first chunk", async () => {
    const told = attributesOf(await spanOf(receiver, await ask(gateway, { stream: true })));
    expect(told).toMatchObject({
      "gen_ai.request.stream": true,
      "gen_ai.response.model": "gpt-4.1",
      "gen_ai.response.time_to_first_chunk": expect.any(Number),
      "gen_ai.usage.output_tokens": expect.any(Number),
    });
    expect(told["kong_llm.usage.estimated"]).toBeUndefined();
  });

  it("tells of Anthropic's API as of OpenAI's", async () => {
    const body = { model: "claude" };
    const headers = { "anthropic-version": "2023-06-01" };
    const answer = await ask(gateway, body, headers, "/v1/messages");
    expect(answer.status).toBe(200);
    expect(attributesOf(await spanOf(receiver, answer))).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "anthropic",
      "gen_ai.response.model": expect.stringContaining("claude"),
    });
  });

  it("tells of an answer from the cache as one that called nobody", async () => {
    const body = { messages: [{ role: "user", content: words() }], temperature: 0 };
    await (await ask(gateway, body)).text();
    const headers = { traceparent: `00-${trace}-${parent}-01` };
    const span = await spanOf(receiver, await gateway.untilHit(() => ask(gateway, body, headers)));
    expect(span).toMatchObject({ kind: internal, traceId: trace, parentSpanId: parent });
    const told = attributesOf(span);
    expect(told).toMatchObject({ "kong_llm.source": "cache", "kong_llm.cache": "hit" });
    expect(told["kong_llm.saved_usd"]).toBeGreaterThan(0);
    expect(told).not.toHaveProperty("gen_ai.usage.input_tokens");
  });

  it("tells of a refusal, without the model in its name", async () => {
    const answer = await ask(gateway, { model: "nobody-knows-this" });
    expect(answer.status).toBe(404);
    const span = await spanOf(receiver, answer);
    expect(span).toMatchObject({ name: "chat", kind: internal, status: { code: failed } });
    expect(attributesOf(span)).toMatchObject({
      "error.type": "404",
      "kong_llm.source": "gateway",
    });
  });

  it("tells of an upstream's error", async () => {
    gateway.upstream.behave({ status: 500, times: 1 });
    const span = await spanOf(receiver, await ask(gateway));
    expect(span).toMatchObject({ kind: client, status: { code: failed } });
    expect(attributesOf(span)).toMatchObject({
      "error.type": "500",
      "http.response.status_code": 500,
    });
  });

  it("has who we are with every batch, and the operator's headers", async () => {
    await spanOf(receiver, await ask(gateway));
    const [first] = receiver.received.filter(({ path }) => path === "/v1/traces");
    expect(first!.headers).toMatchObject({ "content-type": "application/json", "x-tenant": "llm" });
    const { resource, scopeSpans } = jsonOf(first!).resourceSpans![0]!;
    expect(attributesOf(resource)).toMatchObject({
      "service.name": "kong-llm",
      "service.version": version,
      "service.instance.id": expect.any(String),
      "deployment.environment.name": "test",
    });
    expect(scopeSpans[0]!.scope).toMatchObject({ name: "kong-llm", version });
  });

  it("counts in GenAI's metrics, which add up", async () => {
    await spanOf(receiver, await ask(gateway, { stream: true }));
    const names = [
      ...["gen_ai.client.operation.duration", "gen_ai.client.token.usage"],
      ...["gen_ai.client.operation.time_to_first_chunk", "gen_ai.server.request.duration"],
      ...["gen_ai.server.time_to_first_token", "kong_llm.cost"],
    ];
    await expect
      .poll(() => [...receiver.metrics().keys()], patience)
      .toEqual(expect.arrayContaining(names));
    const tokens = receiver.metrics().get("gen_ai.client.token.usage")!;
    expect(tokens.unit).toBe("{token}");
    expect(tokens.histogram!.aggregationTemporality).toBe(cumulative);
    const points = tokens.histogram!.dataPoints.map((point) => attributesOf(point));
    expect(points).toContainEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4.1",
      "gen_ai.token.type": "input",
    });
    const cost = receiver.metrics().get("kong_llm.cost")!.sum!;
    expect(cost).toMatchObject({ aggregationTemporality: cumulative, isMonotonic: true });
    const all = [...receiver.metrics().values()].flatMap(({ histogram, sum }) =>
      (histogram ?? sum)!.dataPoints.map((point) => attributesOf(point)["gen_ai.request.model"]),
    );
    expect(new Set(all)).not.toContain("nobody-knows-this");
  });

  it("holds no prompt, no answer, no key and no end user's name", async () => {
    const prompt = "the merger of Hanbit and Sora";
    const body = { messages: [{ role: "user", content: prompt }], user: "kim.minji@example.com" };
    const answer = await ask(gateway, body);
    const said = (await answer.clone().json()) as { choices: { message: { content: string } }[] };
    await spanOf(receiver, answer);
    const wire = Buffer.concat(receiver.received.map(({ bytes }) => bytes)).toString();
    const secrets = [prompt, "minji", gateway.key, gateway.upstreamKey];
    for (const secret of [...secrets, said.choices[0]!.message.content]) {
      expect(wire).not.toContain(secret);
    }
  });
});

describe("telemetry beside Kong's own tracing", () => {
  // What Kong's plugin opentelemetry leaves of a request (kong/plugins/opentelemetry/traces.lua, 3.9.3): its
  // spans, of which the one of the balancer goes upstream. As late as can be, since Kong uses what is there.
  const sending = `kong.service.request.set_header("traceparent", "00-${trace}-2222222222222222-01")`;
  const tracing = (root: string) => `
    local function bytes(hex)
      return (hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end))
    end
    ngx.ctx.KONG_SPANS = {
      { span_id = bytes("1111111111111111"), ${root} }, { span_id = bytes("2222222222222222") },
    }`;
  const cleaning = "ngx.ctx.KONG_SPANS = nil";

  it.each([
    ["Kong's span of the request", "name = 'kong'", "1111111111111111"],
    [
      "the client's, where Kong traces nothing",
      "attributes = { ['kong.propagation_only'] = true }",
      parent,
    ],
  ])("belongs to %s", async (_, root, expected) => {
    const receiver = await startOtlpReceiver();
    const config = { access: [sending], body_filter: [tracing(root)], log: [cleaning] };
    const gateway = await startGateway({
      serverEnvironment: environment(receiver.url),
      edit: (kong) => addToAll(kong, { name: "post-function", config }),
    });
    try {
      const answer = await ask(gateway, {}, { traceparent: `00-${trace}-${parent}-01` });
      const span = await spanOf(receiver, answer);
      expect([span.traceId, span.parentSpanId]).toEqual([trace, expected]);
      expect(gateway.upstream.requests[0]!.headers.traceparent).toContain("2222222222222222");
    } finally {
      await gateway.stop();
      await receiver.close();
    }
  });

  // The stand-in has no tracing of its own.
  it.runIf(process.env.GATEWAY === "kong")(
    "belongs to the span that Kong itself sends",
    async () => {
      const [receiver, ofKong] = [await startOtlpReceiver(), await startOtlpReceiver()];
      const config = { traces_endpoint: `${ofKong.url}/v1/traces`, sampling_rate: 1 };
      const gateway = await startGateway({
        serverEnvironment: environment(receiver.url),
        environment: { KONG_TRACING_INSTRUMENTATIONS: "all", KONG_TRACING_SAMPLING_RATE: "1" },
        edit: (kong) => addToAll(kong, { name: "opentelemetry", config }),
      });
      try {
        const answer = await ask(gateway, {}, { traceparent: `00-${trace}-${parent}-01` });
        const span = await spanOf(receiver, answer);
        expect(span.traceId).toBe(trace);
        expect(span.parentSpanId).not.toBe(parent);
        await expect.poll(() => ofKong.received.length, patience).toBeGreaterThan(0);
        // Protobuf: 12 08 is before the id of a span, 22 08 before that of its parent. Kong's first span is the
        // client's child, and all others are its own.
        const wire = Buffer.concat(ofKong.received.map(({ bytes }) => bytes)).toString("hex");
        expect(wire).toContain(`1208${span.parentSpanId}`);
        expect(wire).toContain(`2208${span.parentSpanId}`);
        expect(wire).toContain(`2208${parent}`);
      } finally {
        await gateway.stop();
        await Promise.all([receiver.close(), ofKong.close()]);
      }
    },
  );
});

function addToAll(
  kong: KongConfig,
  plugin: { name: string; config: Record<string, unknown> },
): void {
  for (const service of kong.whole.services) service.plugins.push(plugin);
}

describe("telemetry of tries", () => {
  it("is a child of the request's span for each, in their order", async () => {
    const receiver = await startOtlpReceiver();
    // Nobody listens there: Kong tries again.
    const port = await freePort();
    const gateway = await startGateway({
      serverEnvironment: environment(receiver.url),
      edit: (config) => {
        config.sendTo(port);
        for (const service of config.whole.services) service.retries = 2;
      },
    });
    try {
      const answer = await ask(gateway);
      expect(answer.status).toBe(502);
      const span = await spanOf(receiver, answer);
      expect(span).toMatchObject({ kind: client, status: { code: failed } });
      expect(attributesOf(span)).toMatchObject({ "kong_llm.tries": 3, "error.type": "502" });
      const tries = receiver.spans().filter(({ parentSpanId }) => parentSpanId === span.spanId);
      expect(tries.map((one) => attributesOf(one)["http.request.resend_count"])).toEqual([
        undefined,
        1,
        2,
      ]);
      for (const one of tries) {
        expect(one).toMatchObject({ traceId: span.traceId, name: "POST", kind: client });
        expect(one.status.code).toBe(failed);
        expect(attributesOf(one)).toMatchObject({
          "server.address": "127.0.0.1",
          "server.port": port,
        });
      }
      const starts = tries.map(({ startTimeUnixNano }) => Number(startTimeUnixNano));
      expect(starts).toEqual([...starts].sort((one, other) => one - other));
    } finally {
      await gateway.stop();
      await receiver.close();
    }
  });
});

describe("a receiver that does not receive", () => {
  it("holds up nobody, whether it is gone, busy or silent, and is told of once", async () => {
    const receiver = await startOtlpReceiver();
    let printed = "";
    const gateway = await startGateway({
      printed: (text) => {
        printed += text;
      },
      serverEnvironment: environment(receiver.url, {
        KONG_LLM_LOG_LEVEL: "info",
        OTEL_BSP_MAX_QUEUE_SIZE: "4",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "2",
        OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
      }),
      edit: (config) => config.limit({ minute: 100_000 }),
    });
    const spans = (result: string) =>
      gateway.pluginServer.metric("llm_telemetry_spans_total", { result });
    const askMany = async () => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gateway)));
      for (const answer of answers) {
        expect(answer.status).toBe(200);
        await answer.text();
      }
    };
    const saidSo = () => printed.split("telemetry is not delivered").length - 1;
    try {
      receiver.answerWith(503, { "retry-after": "60" });
      await askMany();
      await expect.poll(() => spans("failed"), patience).toBeGreaterThan(0);
      // What waits for a batch under way is bounded: the rest is dropped.
      receiver.fallSilent();
      const droppedThen = async () => {
        await askMany();
        return spans("dropped");
      };
      await expect.poll(droppedThen, patience).toBeGreaterThan(0);
      receiver.answerWith(429);
      await askMany();
      const signals = ["traces", "metrics"];
      await expect.poll(saidSo, patience).toBe(signals.length);
      const readyz = await (await fetch(`${gateway.pluginServer.healthUrl}/readyz`)).json();
      expect(readyz).toMatchObject({
        ready: true,
        neighbours: { "telemetry traces": { ok: false } },
      });
      receiver.answerWith(200);
      await ask(gateway);
      await expect.poll(() => spans("sent"), patience).toBeGreaterThan(0);
      await expect.poll(() => printed, patience).toContain("telemetry is delivered again");
      // Gone: connections are refused.
      await receiver.close();
      await askMany();
      await expect.poll(() => spans("failed"), patience).toBeGreaterThan(4);
    } finally {
      await gateway.stop();
      await receiver.close().catch(() => {});
    }
  });
});

describe("without the switch", () => {
  it("nothing is sent, whatever OTEL_* variables say", async () => {
    const receiver = await startOtlpReceiver();
    const { KONG_LLM_TELEMETRY: _, ...standard } = environment(receiver.url);
    const gateway = await startGateway({ serverEnvironment: standard });
    try {
      await (await ask(gateway, {}, { traceparent: `00-${trace}-${parent}-01` })).text();
      const learned = () =>
        gateway.pluginServer.metric("llm_requests_total", { source: "service" });
      await expect.poll(learned, patience).toBe(1);
      expect(await gateway.pluginServer.metrics()).not.toContain("llm_telemetry");
    } finally {
      await gateway.stop();
    }
    expect(receiver.received).toEqual([]);
    await receiver.close();
  });
});
