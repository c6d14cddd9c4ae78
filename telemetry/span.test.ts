import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { hrTimeToMilliseconds } from "@opentelemetry/core";
import {
  InMemorySpanExporter,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { noUsage } from "../models/usage";
import { type Changes, ended } from "./ended.fixture";
import { traceBy } from "./span";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const clientSpan = "00f067aa0ba902b7";

/** The spans of one request, children first. */
function spansOf(changes: Changes = {}, sampler?: Sampler): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  const provider = new TracerProvider({ spanProcessors, sampler });
  traceBy(provider.getTracer("test"))(ended(changes));
  return exporter.getFinishedSpans();
}

const spanOf = (changes?: Changes) => spansOf(changes).at(-1)!;
const attributesOf = (changes?: Changes) => spanOf(changes).attributes;

describe("the span of a request", () => {
  it("lasts from the request to the last byte of its answer", () => {
    const { startTime, endTime, name, kind, status } = spanOf();
    expect(hrTimeToMilliseconds(startTime)).toBe(1_764_172_800_000);
    expect(hrTimeToMilliseconds(endTime)).toBe(1_764_172_802_000);
    expect([name, kind, status.code]).toEqual([
      "chat gpt-4.1",
      SpanKind.CLIENT,
      SpanStatusCode.UNSET,
    ]);
  });

  it("does not end before it begins, whatever the clocks say", () => {
    const { startTime, endTime } = spanOf({ outcome: { ended_at: 1 } });
    expect(endTime).toEqual(startTime);
  });

  it("says what was asked for, what served and what it took", () => {
    const usage = {
      ...{ ...noUsage, input_tokens: 1000, output_tokens: 500, cached_input_tokens: 200 },
      ...{ cache_write_tokens: 30, cache_write_1h_tokens: 12, reasoning_tokens: 70 },
    };
    expect(attributesOf({ account: { usage } })).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4.1",
      "gen_ai.response.model": "gpt-4.1-2025-04-14",
      "gen_ai.usage.input_tokens": 1000,
      "gen_ai.usage.output_tokens": 500,
      "gen_ai.usage.cache_read.input_tokens": 200,
      "gen_ai.usage.cache_creation.input_tokens": 42,
      "gen_ai.usage.reasoning.output_tokens": 70,
      "http.response.status_code": 200,
      "kong_llm.request_id": "0123",
      "kong_llm.endpoint": "chat/completions",
      "kong_llm.route": "llm",
      "kong_llm.consumer": "team-a",
      "kong_llm.provider": "llm-upstream",
      "kong_llm.requested_model": "gpt-4",
      "kong_llm.source": "service",
      "kong_llm.cost_usd": 0.006,
    });
  });

  it("says of a stream when its first chunk came, and of an estimate that it is one", () => {
    const usage = { ...noUsage, input_tokens: 9, estimated: true };
    expect(
      attributesOf({ outcome: { ticket: { stream: true } }, account: { usage } }),
    ).toMatchObject({
      "gen_ai.request.stream": true,
      "gen_ai.response.time_to_first_chunk": 0.25,
      "kong_llm.usage.estimated": true,
    });
  });

  it("says which model was left, which limit refused, and what it is for", () => {
    const ticket = {
      ...{ limit: { decision: "limited", by: "tokens per minute" }, provider: "deepseek" },
      model: { requested: "a", served: "b", label: "b", fallback_from: "c" },
    };
    const tags = { feature: "search" };
    expect(attributesOf({ outcome: { ticket }, tags })).toMatchObject({
      "kong_llm.limit": "limited",
      "kong_llm.limited_by": "tokens per minute",
      "kong_llm.fallback_from": "c",
      "kong_llm.tag.feature": "search",
      "kong_llm.provider": "deepseek",
      "gen_ai.provider.name": "deepseek",
    });
  });

  it("of a hit calls nobody and took nothing", () => {
    const hit = spanOf({
      outcome: { source: "cache", ticket: { cache: "Hit" } },
      account: { usage: noUsage, cost_usd: 0, saved_usd: 0.006 },
    });
    expect(hit.kind).toBe(SpanKind.INTERNAL);
    expect(hit.attributes).toMatchObject({ "kong_llm.cache": "hit", "kong_llm.saved_usd": 0.006 });
    expect(Object.keys(hit.attributes).filter((name) => name.includes("usage"))).toEqual([]);
  });

  it("of a refusal has no name that a client can choose", () => {
    const outcome = { source: "gateway" as const, status: 404 };
    const { name, kind, status, attributes } = spanOf({ outcome, account: { model: "my secret" } });
    expect([name, kind, status.code]).toEqual(["chat", SpanKind.INTERNAL, SpanStatusCode.ERROR]);
    expect(attributes["error.type"]).toBe("404");
  });

  it("where no model does anything, bears the endpoint", () => {
    const ticket = { method: "GET", endpoint: "models" };
    const { name, attributes } = spanOf({
      outcome: { source: "gateway", ticket },
      account: { model: undefined },
    });
    expect(name).toBe("GET models");
    expect(Object.keys(attributes).filter((one) => one.startsWith("gen_ai."))).toEqual([]);
  });

  it.each<[string, Changes["outcome"], string | undefined]>([
    ["a status", { status: 503 }, "503"],
    ["an upstream that cut its answer", { complete: false, cut_by: "upstream" }, "cut_by_upstream"],
    ["an error in a 200", { body: Buffer.from('{"error":{"message":"no"}}') }, "error_in_answer"],
    ["no status at all", { status: 0 }, "_OTHER"],
    ["no client that left", { status: 499, cut_by: "client", complete: false }, undefined],
    ["no client that had enough", { cut_by: "client", complete: false }, undefined],
  ])("fails by %s", (_, outcome, error) => {
    const { attributes, status } = spanOf({ outcome });
    expect(attributes["error.type"]).toBe(error);
    expect(status.code).toBe(error === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR);
  });
});

describe("the parent of a span", () => {
  const sent = { parent: `00-${traceId}-${clientSpan}-01`, state: "a=1,b=2" };

  it("is the client's span, with its state", () => {
    const { parentSpanContext } = spanOf({ trace: sent });
    expect(parentSpanContext).toMatchObject({ traceId, spanId: clientSpan, isRemote: true });
    expect(parentSpanContext?.traceState?.serialize()).toBe("a=1,b=2");
  });

  it("is Kong's where Kong has sent one on", () => {
    const trace_parent = `00-${traceId}-1111111111111111-01`;
    const { parentSpanContext } = spanOf({ trace: sent, outcome: { trace_parent } });
    expect(parentSpanContext).toMatchObject({ traceId, spanId: "1111111111111111" });
  });

  it.each([
    "",
    "nonsense",
    `00-${traceId}-${clientSpan}`,
    `ff-${traceId}-${clientSpan}-01`,
    `00-${"0".repeat(32)}-${clientSpan}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}x-${clientSpan}-01`,
  ])("is none where what was sent cannot be read: %s", (parent) => {
    expect(spanOf({ trace: { parent, state: "a=1" } }).parentSpanContext).toBeUndefined();
  });

  it("keeps a good parent beside a state that is none", () => {
    const { parentSpanContext } = spanOf({ trace: { parent: sent.parent, state: "==,\u0000" } });
    expect(parentSpanContext).toMatchObject({ spanId: clientSpan });
  });

  it("decides about sampling where the sampler goes by it", () => {
    const never = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(0) });
    expect(spansOf({}, never)).toEqual([]);
    expect(spansOf({ trace: sent }, never)).toHaveLength(1);
    const always = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) });
    expect(spansOf({ trace: { parent: `00-${traceId}-${clientSpan}-00` } }, always)).toEqual([]);
  });
});

describe("tries", () => {
  const tries = [
    { address: "10.0.0.1:443", started_at: 1_764_172_800_010, state: "failed", status: 429 },
    { address: "::1:8443", started_at: 1_764_172_800_900 },
  ];

  it("are children of the request's span, each until the next begins", () => {
    const [first, second, request] = spansOf({ outcome: { tries } });
    expect(request!.attributes["kong_llm.tries"]).toBe(2);
    for (const one of [first!, second!]) {
      expect(one.parentSpanContext?.spanId).toBe(request!.spanContext().spanId);
      expect([one.name, one.kind]).toEqual(["POST", SpanKind.CLIENT]);
    }
    expect(hrTimeToMilliseconds(first!.endTime)).toBe(1_764_172_800_900);
    expect(hrTimeToMilliseconds(second!.endTime)).toBe(1_764_172_802_000);
  });

  it("say where they went and how they failed", () => {
    const [first, second] = spansOf({ outcome: { tries } });
    expect(first!.attributes).toEqual({
      "http.request.method": "POST",
      "server.address": "10.0.0.1",
      "server.port": 443,
      "error.type": "429",
    });
    expect(first!.status.code).toBe(SpanStatusCode.ERROR);
    expect(second!.attributes).toEqual({
      "http.request.method": "POST",
      "http.request.resend_count": 1,
      "http.response.status_code": 200,
      "server.address": "::1",
      "server.port": 8443,
    });
  });
});
