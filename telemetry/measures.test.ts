import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { noUsage } from "../models/usage";
import type { Ended } from "./ended";
import { ended } from "./ended.fixture";
import { measureBy } from "./measures";

interface Point {
  attributes: Record<string, unknown>;
  /** How many values, of a histogram; the sum, of a counter. */
  value: unknown;
}

/** What is counted of these requests, by metric. */
async function counted(...requests: Ended[]): Promise<Record<string, Point[]>> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter });
  const provider = new MeterProvider({ readers: [reader] });
  const measure = measureBy(provider.getMeter("test"));
  for (const request of requests) measure(request);
  await provider.forceFlush();
  const [told] = exporter.getMetrics();
  await provider.shutdown();
  const all = told?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? [];
  return Object.fromEntries(
    all.map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => ({
        attributes,
        value: typeof value === "object" && "sum" in value ? value.sum : value,
      })),
    ]),
  );
}

const chat = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "openai",
  "gen_ai.request.model": "gpt-4.1",
};

describe("the metrics of a request", () => {
  it("are its duration, tokens and cost", async () => {
    expect(await counted(ended())).toEqual({
      "gen_ai.client.operation.duration": [{ attributes: chat, value: 2 }],
      "gen_ai.server.request.duration": [{ attributes: chat, value: 2 }],
      "gen_ai.client.token.usage": [
        { attributes: { ...chat, "gen_ai.token.type": "input" }, value: 1000 },
        { attributes: { ...chat, "gen_ai.token.type": "output" }, value: 500 },
      ],
      "kong_llm.cost": [{ attributes: chat, value: 0.006 }],
    });
  });

  it("are of a stream the time to its first chunk, too", async () => {
    const told = await counted(ended({ outcome: { ticket: { stream: true } } }));
    expect(told["gen_ai.client.operation.time_to_first_chunk"]).toEqual([
      { attributes: chat, value: 0.25 },
    ]);
    expect(told["gen_ai.server.time_to_first_token"]).toEqual([{ attributes: chat, value: 0.25 }]);
  });

  it("are of a hit what the caller saw, and what was saved", async () => {
    const account = { usage: noUsage, cost_usd: 0, saved_usd: 0.006 };
    const told = await counted(ended({ outcome: { source: "cache" }, account }));
    expect(Object.keys(told).sort()).toEqual([
      "gen_ai.server.request.duration",
      "kong_llm.cache.saved",
    ]);
  });

  it("have an error's class, and no tokens that are estimated", async () => {
    const usage = { ...noUsage, input_tokens: 5, estimated: true };
    const told = await counted(
      ended({ outcome: { status: 502, source: "error" }, account: { usage } }),
    );
    const failed = { ...chat, "error.type": "502" };
    expect(told["gen_ai.client.operation.duration"]).toEqual([{ attributes: failed, value: 2 }]);
    expect(told).not.toHaveProperty(["gen_ai.client.token.usage"]);
  });

  it("name only models that the operator has configured", async () => {
    const names = ["a", "b", "c"].map((model) => ended({ account: { model, label: "other" } }));
    const told = await counted(...names);
    for (const points of Object.values(told)) {
      for (const { attributes } of points) expect(attributes["gen_ai.request.model"]).toBe("other");
    }
  });

  it("are none where no model does anything", async () => {
    expect(await counted(ended({ outcome: { ticket: { endpoint: "models" } } }))).toEqual({});
  });
});
