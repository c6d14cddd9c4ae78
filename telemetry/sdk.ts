// OpenTelemetry's packages, put together: who we are, what is sampled, the queue, the exporters. The only
// file by which they are loaded, and it is imported only where telemetry is on.

import { randomUUID } from "node:crypto";
import { DiagLogLevel, diag } from "@opentelemetry/api";
import { ExportResultCode, setGlobalErrorHandler } from "@opentelemetry/core";
import { OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import {
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { version } from "../package.json";
import { log } from "../stages/log";
import { Delivery } from "./delivery";
import type { Ended } from "./ended";
import { measureBy } from "./measures";
import type { Sampling, TelemetrySettings } from "./settings";
import { traceBy } from "./span";
import { SpanQueue } from "./span-queue";

/** What sends telemetry. */
interface Sender {
  tell(ended: Ended): void;
  /** Sends what waits, and ends. */
  stop(): Promise<void>;
}

const scope = "kong-llm";

export function openSender(settings: TelemetrySettings): Sender {
  silence();
  const resource = whoWeAre();
  const tracing = settings.traces && openTraces(settings, resource);
  const metering = settings.metrics && openMetrics(settings, resource);
  const trace = tracing && traceBy(tracing.getTracer(scope, version));
  const measure = metering && measureBy(metering.getMeter(scope, version));
  return {
    tell(ended) {
      trace?.(ended);
      measure?.(ended);
    },
    async stop() {
      await Promise.allSettled([tracing?.shutdown(), metering?.shutdown()]);
    },
  };
}

function openTraces(settings: TelemetrySettings, resource: Resource): TracerProvider {
  const exporter = settings.traces === "http/json" ? new JsonTraces() : new ProtobufTraces();
  const queue = new SpanQueue(exporter, new Delivery("traces"), settings.queue);
  return new TracerProvider({
    resource,
    sampler: samplerOf(settings.sampling),
    spanProcessors: [queue],
  });
}

function samplerOf({ byParent, ratio }: Sampling): Sampler {
  const root = new TraceIdRatioBasedSampler(ratio);
  return byParent ? new ParentBasedSampler({ root }) : root;
}

function openMetrics(settings: TelemetrySettings, resource: Resource): MeterProvider {
  const exporter = settings.metrics === "http/json" ? new JsonMetrics() : new ProtobufMetrics();
  const reader = new PeriodicExportingMetricReader({
    exporter: watched(exporter, new Delivery("metrics")),
    exportIntervalMillis: settings.metricIntervalMs,
    exportTimeoutMillis: settings.metricTimeoutMs,
  });
  return new MeterProvider({ resource, readers: [reader] });
}

function watched(exporter: PushMetricExporter, delivery: Delivery): PushMetricExporter {
  return {
    export(batch, done) {
      exporter.export(batch, (result) => {
        const isSent = result.code === ExportResultCode.SUCCESS;
        delivery.ended(isSent ? undefined : (result.error ?? new Error("not sent")));
        done(result);
      });
    },
    selectAggregation: exporter.selectAggregation?.bind(exporter),
    selectAggregationTemporality: exporter.selectAggregationTemporality?.bind(exporter),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}

/** What the environment says (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) goes before what we say. */
function whoWeAre(): Resource {
  const ours = resourceFromAttributes({
    "service.name": "kong-llm",
    "service.version": version,
    // Counts of several plugin servers must not be taken for those of one.
    "service.instance.id": randomUUID(),
  });
  return defaultResource()
    .merge(ours)
    .merge(detectResources({ detectors: [envDetector] }));
}

const said = new Set<string>();

/** Delivery tells what matters; of all else that the packages say, each sentence is logged once. */
function silence(): void {
  setGlobalErrorHandler(() => {});
  const sayOnce = (message: string) => {
    if (said.has(message) || said.size >= 100) return;
    said.add(message);
    log.warn({ from: "opentelemetry" }, message);
  };
  const unsaid = () => {};
  const logger = { error: sayOnce, warn: sayOnce, info: unsaid, debug: unsaid, verbose: unsaid };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
