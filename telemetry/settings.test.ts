import { describe, expect, it } from "vitest";
import type { Signal } from "./delivery";
import { readSettings, signalsIn, TelemetryMistake, telemetryFaults } from "./settings";

const both: Signal[] = ["traces", "metrics"];

describe("the settings of telemetry", () => {
  it("are those of the specification where nothing is said", () => {
    expect(readSettings(both, {})).toEqual({
      traces: "http/protobuf",
      metrics: "http/protobuf",
      sampling: { byParent: true, ratio: 1 },
      queue: {
        maxQueueSize: 2048,
        maxExportBatchSize: 512,
        scheduledDelayMillis: 5000,
        exportTimeoutMillis: 30_000,
      },
      metricIntervalMs: 60_000,
      metricTimeoutMs: 30_000,
      warnings: [],
    });
  });

  it("are none where our switch is off, or the specification's", () => {
    expect(
      readSettings([], { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }),
    ).toBeUndefined();
    expect(readSettings(both, { OTEL_SDK_DISABLED: "true" })).toBeUndefined();
    const none = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none" };
    expect(readSettings(both, none)).toBeUndefined();
  });

  it("send one signal alone, each by its own protocol", () => {
    expect(readSettings(["traces"], {})).toMatchObject({ metrics: undefined });
    expect(readSettings(both, { OTEL_TRACES_EXPORTER: "none" })).toMatchObject({
      traces: undefined,
    });
    const protocols = {
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/protobuf",
    };
    expect(readSettings(both, protocols)).toMatchObject({
      traces: "http/json",
      metrics: "http/protobuf",
    });
  });

  it.each([
    ["always_on", undefined, { byParent: false, ratio: 1 }],
    ["always_off", undefined, { byParent: false, ratio: 0 }],
    ["traceidratio", "0.25", { byParent: false, ratio: 0.25 }],
    ["parentbased_always_off", undefined, { byParent: true, ratio: 0 }],
    ["parentbased_traceidratio", "0.1", { byParent: true, ratio: 0.1 }],
    ["parentbased_traceidratio", undefined, { byParent: true, ratio: 1 }],
  ])("sample by %s %s", (OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, sampling) => {
    const settings = readSettings(both, { OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG });
    expect(settings).toMatchObject({ sampling, warnings: [] });
  });

  it.each([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
      "OTEL_EXPORTER_OTLP_ENDPOINT is no http://",
    ],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "nowhere" }, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no"],
    [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "OTEL_EXPORTER_OTLP_PROTOCOL is grpc: http/protobuf"],
    [{ OTEL_TRACES_EXPORTER: "jaeger" }, "OTEL_TRACES_EXPORTER is jaeger: only otlp"],
  ])("are refused where nothing could be delivered: %j", (environment, message) => {
    expect(() => readSettings(both, environment)).toThrow(TelemetryMistake);
    expect(() => readSettings(both, environment)).toThrow(message);
  });

  it("repeat no password of an endpoint", () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "htp://user:hunter2@collector" };
    expect(() => readSettings(both, environment)).toThrow(/^(?!.*hunter2)/);
  });

  it.each([
    [
      { OTEL_TRACES_SAMPLER: "jaeger_remote" },
      "OTEL_TRACES_SAMPLER is jaeger_remote, which is none of",
    ],
    [
      { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "10%" },
      "OTEL_TRACES_SAMPLER_ARG is 10%, which is no ratio",
    ],
    [{ OTEL_BSP_MAX_QUEUE_SIZE: "-1" }, "OTEL_BSP_MAX_QUEUE_SIZE is -1, which is no whole number"],
  ])("take the default for what is not understood, and say so: %j", (environment, warning) => {
    const settings = readSettings(both, environment);
    expect(settings?.warnings).toEqual([expect.stringContaining(warning)]);
    expect(settings).toMatchObject({ sampling: { ratio: 1 }, queue: { maxQueueSize: 2048 } });
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4317" }, "names port 4317"],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/v1/traces" },
      "ends in /v1/traces, and the path of each signal is added",
    ],
    [
      { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://collector:4318" },
      "has no path, and none is added: end it in /v1/metrics",
    ],
  ])("say of an endpoint that nobody will take anything at it: %j", (environment, warning) => {
    const [variable] = Object.keys(environment);
    expect(readSettings(both, environment)?.warnings).toEqual([
      expect.stringContaining(`${variable} ${warning}`),
    ]);
  });

  it.each([
    { OTEL_EXPORTER_OTLP_ENDPOINT: "https://user:pass@collector/otlp/" },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector:4318/v1/traces" },
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "https://collector/otlp" },
  ])("find nothing wrong with an endpoint that is as it must be: %j", (environment) => {
    expect(readSettings(both, environment)?.warnings).toEqual([]);
  });

  it("tell all that is wrong with them at once, each once", () => {
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "collector",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_METRICS_EXPORTER: "prometheus",
    };
    expect(telemetryFaults(both, environment)).toEqual([
      { variable: "OTEL_EXPORTER_OTLP_ENDPOINT", message: expect.any(String), isRefused: true },
      { variable: "OTEL_EXPORTER_OTLP_PROTOCOL", message: expect.any(String), isRefused: true },
      { variable: "OTEL_METRICS_EXPORTER", message: expect.any(String), isRefused: true },
    ]);
    expect(telemetryFaults([], environment)).toEqual([]);
  });

  it("fit together whatever is said", () => {
    const settings = readSettings(both, {
      OTEL_BSP_MAX_QUEUE_SIZE: "10",
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
    });
    expect(settings).toMatchObject({ queue: { maxExportBatchSize: 10 }, metricTimeoutMs: 1000 });
  });
});

describe("the signals that are switched on", () => {
  it.each([
    ["off", []],
    ["traces", ["traces"]],
    ["metrics, traces", ["metrics", "traces"]],
  ])("are read from %s", (text, signals) => {
    expect(signalsIn(text)).toEqual(signals);
  });

  it.each(["", "on", "trace", "traces;metrics"])("are none that %j names", (text) => {
    expect(signalsIn(text)).toBeUndefined();
  });
});
