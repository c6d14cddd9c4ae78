// What the environment says of telemetry, by OpenTelemetry's standard variables
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Where nothing could
// ever be delivered, the server does not start; what has a default takes it, and a warning says so, as the
// specification wants it. Headers, time-outs, compression and certificates the exporters read themselves.

import type { Signal } from "./delivery";

export type Protocol = "http/protobuf" | "http/json";

export interface TelemetrySettings {
  /** How each signal is sent; undefined: it is not. */
  traces: Protocol | undefined;
  metrics: Protocol | undefined;
  sampling: Sampling;
  /** Names as OpenTelemetry's BatchSpanProcessor has them. */
  queue: {
    maxQueueSize: number;
    maxExportBatchSize: number;
    scheduledDelayMillis: number;
    exportTimeoutMillis: number;
  };
  metricIntervalMs: number;
  metricTimeoutMs: number;
  /** Sentences for the operator: what was not understood, and what is taken in its place. */
  warnings: string[];
}

/** Which part of the traces that begin here is sampled, and whether a parent's decision goes before. */
export interface Sampling {
  byParent: boolean;
  /** 0 to 1. */
  ratio: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A sentence for the operator. */
export class TelemetryMistake extends Error {}

/**
 * @param signals what the operator has switched on
 * @returns undefined where nothing is to be sent
 * @throws TelemetryMistake where it could not be
 */
export function readSettings(
  signals: readonly Signal[],
  environment: Environment,
): TelemetrySettings | undefined {
  const read = new Reader(environment);
  if (read.text("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return undefined;
  const protocolOf = (signal: Signal) =>
    signals.includes(signal) && isSent(read, signal) ? protocolFor(read, signal) : undefined;
  const [traces, metrics] = [protocolOf("traces"), protocolOf("metrics")];
  if (!traces && !metrics) return undefined;
  const sampling = samplingIn(read);
  const maxQueueSize = read.whole("OTEL_BSP_MAX_QUEUE_SIZE", 2048);
  const metricIntervalMs = read.whole("OTEL_METRIC_EXPORT_INTERVAL", 60_000);
  return {
    ...{ traces, metrics, sampling, metricIntervalMs },
    queue: {
      maxQueueSize,
      maxExportBatchSize: Math.min(read.whole("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512), maxQueueSize),
      scheduledDelayMillis: read.whole("OTEL_BSP_SCHEDULE_DELAY", 5000),
      exportTimeoutMillis: read.whole("OTEL_BSP_EXPORT_TIMEOUT", 30_000),
    },
    metricTimeoutMs: Math.min(read.whole("OTEL_METRIC_EXPORT_TIMEOUT", 30_000), metricIntervalMs),
    warnings: read.warnings,
  };
}

/** The specification's own switch for each signal. */
function isSent(read: Reader, signal: Signal): boolean {
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`;
  const exporter = read.text(variable) ?? "otlp";
  if (exporter === "otlp" || exporter === "none") return exporter === "otlp";
  throw new TelemetryMistake(`${variable} is ${exporter}: only otlp is spoken, or none`);
}

function protocolFor(read: Reader, signal: Signal): Protocol {
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}`;
  const endpoint = read.first(`${own}_ENDPOINT`, "OTEL_EXPORTER_OTLP_ENDPOINT");
  // The value may hold a password.
  if (endpoint && !isHttpUrl(endpoint.value)) {
    const example = "as http://collector:4318";
    throw new TelemetryMistake(`${endpoint.variable} is no http:// or https:// URL, ${example}`);
  }
  const protocol = read.first(`${own}_PROTOCOL`, "OTEL_EXPORTER_OTLP_PROTOCOL");
  const value = protocol?.value ?? "http/protobuf";
  if (value === "http/protobuf" || value === "http/json") return value;
  const spoken = "http/protobuf and http/json are spoken, at port 4318 of most receivers";
  throw new TelemetryMistake(`${protocol!.variable} is ${value}: ${spoken}`);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

const samplers: Readonly<Record<string, { byParent: boolean; ratio?: number }>> = {
  always_on: { byParent: false, ratio: 1 },
  always_off: { byParent: false, ratio: 0 },
  traceidratio: { byParent: false },
  parentbased_always_on: { byParent: true, ratio: 1 },
  parentbased_always_off: { byParent: true, ratio: 0 },
  parentbased_traceidratio: { byParent: true },
};

function samplingIn(read: Reader): Sampling {
  const name = read.text("OTEL_TRACES_SAMPLER") ?? "parentbased_always_on";
  const sampler = samplers[name];
  if (!sampler) {
    const known = Object.keys(samplers).join(", ");
    read.warnings.push(
      `OTEL_TRACES_SAMPLER is ${name}, which is none of ${known}: parentbased_always_on is taken`,
    );
    return { byParent: true, ratio: 1 };
  }
  return { byParent: sampler.byParent, ratio: sampler.ratio ?? ratioIn(read) };
}

function ratioIn(read: Reader): number {
  const text = read.text("OTEL_TRACES_SAMPLER_ARG");
  const ratio = Number(text ?? 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  read.warnings.push(
    `OTEL_TRACES_SAMPLER_ARG is ${text}, which is no ratio from 0 to 1: 1 is taken`,
  );
  return 1;
}

class Reader {
  readonly warnings: string[] = [];

  constructor(private readonly environment: Environment) {}

  /** What is empty counts as not set. */
  text(variable: string): string | undefined {
    return this.environment[variable]?.trim() || undefined;
  }

  first(...variables: string[]): { variable: string; value: string } | undefined {
    for (const variable of variables) {
      const value = this.text(variable);
      if (value !== undefined) return { variable, value };
    }
    return undefined;
  }

  whole(variable: string, standard: number): number {
    const text = this.text(variable);
    const value = Number(text ?? standard);
    if (Number.isSafeInteger(value) && value > 0) return value;
    this.warnings.push(
      `${variable} is ${text}, which is no whole number above 0: ${standard} is taken`,
    );
    return standard;
  }
}
