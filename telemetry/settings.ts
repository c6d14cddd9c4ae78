// What the environment says of telemetry, by OpenTelemetry's standard variables
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Where nothing could
// ever be delivered, the server does not start; what has a default takes it, and a warning says so, as the
// specification wants it. Headers, time-outs, compression and certificates the exporters read themselves.

import type { Signal } from "./delivery";
import { type Environment, type Fault, Variables } from "./variables";

type Protocol = "http/protobuf" | "http/json";

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

/** A sentence for the operator. */
export class TelemetryMistake extends Error {}

/** What `--telemetry` and its variable switch on; undefined where the text is no list of signals. */
export function signalsIn(text: string): Signal[] | undefined {
  if (text === "off") return [];
  const named = text.split(",").map((one) => one.trim());
  const areSignals = named.every((one): one is Signal => one === "traces" || one === "metrics");
  return areSignals ? named : undefined;
}

/**
 * @param signals what the operator has switched on
 * @returns undefined where nothing is to be sent
 * @throws TelemetryMistake where it could not be
 */
export function readSettings(
  signals: readonly Signal[],
  environment: Environment,
): TelemetrySettings | undefined {
  const read = new Variables(environment);
  const settings = settingsIn(read, signals);
  const refused = read.faults.find(({ isRefused }) => isRefused);
  if (refused) throw new TelemetryMistake(sentence(refused));
  return settings && { ...settings, warnings: read.faults.map(sentence) };
}

/** All that a server with these variables would refuse, or not understand. */
export function telemetryFaults(signals: readonly Signal[], environment: Environment): Fault[] {
  const read = new Variables(environment);
  settingsIn(read, signals);
  return read.faults;
}

function sentence({ variable, message }: Fault): string {
  return `${variable} ${message}`;
}

type Settings = Omit<TelemetrySettings, "warnings">;

function settingsIn(read: Variables, signals: readonly Signal[]): Settings | undefined {
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
  };
}

/** The specification's own switch for each signal. */
function isSent(read: Variables, signal: Signal): boolean {
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`;
  const exporter = read.text(variable) ?? "otlp";
  if (exporter !== "otlp" && exporter !== "none") {
    read.refuse(variable, `is ${exporter}: only otlp is spoken, or none`);
  }
  return exporter !== "none";
}

function protocolFor(read: Variables, signal: Signal): Protocol {
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}`;
  checkEndpoint(read, signal, `${own}_ENDPOINT`);
  const protocol = read.first(`${own}_PROTOCOL`, "OTEL_EXPORTER_OTLP_PROTOCOL");
  const value = protocol?.value ?? "http/protobuf";
  if (value === "http/protobuf" || value === "http/json") return value;
  const spoken = "http/protobuf and http/json are spoken, at port 4318 of most receivers";
  read.refuse(protocol!.variable, `is ${value}: ${spoken}`);
  return "http/protobuf";
}

const shared = "OTEL_EXPORTER_OTLP_ENDPOINT";

/** The value may hold a password. The signal's path is added to the shared one alone. */
function checkEndpoint(read: Variables, signal: Signal, own: string): void {
  const endpoint = read.first(own, shared);
  if (!endpoint) return;
  const { variable, value } = endpoint;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    read.refuse(variable, "is no http:// or https:// URL, as http://collector:4318");
    return;
  }
  if (url.port === "4317") {
    read.warn(variable, "names port 4317, where most receivers speak gRPC alone: 4318 is for HTTP");
  }
  if (variable === own && url.pathname === "/") {
    read.warn(variable, `has no path, and none is added: end it in /v1/${signal}`);
  }
  const path = /\/v1\/(?:traces|metrics)\/?$/.exec(url.pathname)?.[0];
  if (variable === shared && path) {
    read.warn(variable, `ends in ${path}, and the path of each signal is added: leave it out`);
  }
}

const samplers: Readonly<Record<string, { byParent: boolean; ratio?: number }>> = {
  always_on: { byParent: false, ratio: 1 },
  always_off: { byParent: false, ratio: 0 },
  traceidratio: { byParent: false },
  parentbased_always_on: { byParent: true, ratio: 1 },
  parentbased_always_off: { byParent: true, ratio: 0 },
  parentbased_traceidratio: { byParent: true },
};

function samplingIn(read: Variables): Sampling {
  const variable = "OTEL_TRACES_SAMPLER";
  const name = read.text(variable) ?? "parentbased_always_on";
  const sampler = samplers[name];
  if (!sampler) {
    const known = Object.keys(samplers).join(", ");
    read.warn(variable, `is ${name}, which is none of ${known}: parentbased_always_on is taken`);
    return { byParent: true, ratio: 1 };
  }
  return { byParent: sampler.byParent, ratio: sampler.ratio ?? ratioIn(read) };
}

function ratioIn(read: Variables): number {
  const variable = "OTEL_TRACES_SAMPLER_ARG";
  const text = read.text(variable);
  const ratio = Number(text ?? 1);
  if (ratio >= 0 && ratio <= 1) return ratio;
  read.warn(variable, `is ${text}, which is no ratio from 0 to 1: 1 is taken`);
  return 1;
}
