// Variables of OpenTelemetry that the plugin server would refuse, misread or not read, wherever its
// environment is written.

import { signalsIn, telemetryFaults } from "../../telemetry/settings";
import type { ProcessEnvironment, Variable } from "../environment";
import { error, type Finding, warning } from "../finding";
import { nearest } from "../misspelling";

const both = ["traces", "metrics"] as const;

/** @param environment of any process; what is none of a plugin server has no findings */
export function telemetryTraps(environment: ProcessEnvironment): Finding[] {
  const { variables } = environment;
  const flag = flagIn(environment.arguments);
  const isOurs = environment.isOurs || variables.some(({ name }) => name.startsWith("KONG_LLM_"));
  if (!isOurs && flag === undefined) return [];
  const byName = new Map(variables.map((one) => [one.name, one]));
  const own = byName.get("KONG_LLM_TELEMETRY");
  // A flag goes before the variable. A value that comes from elsewhere may switch on both.
  const asked = flag ?? (own ? own.text : "off");
  const signals = asked === undefined ? [...both] : signalsIn(asked);
  if (!signals) return own && flag === undefined ? [noSignals(own)] : [];
  if (signals.length === 0) return neverSent(variables, own);
  const values = Object.fromEntries(variables.map(({ name, text }) => [name, text]));
  const faults = telemetryFaults(signals, values).map(({ variable, message, isRefused }) => {
    const at = byName.get(variable)!;
    return isRefused
      ? error(at, "telemetry-refused", `${message}. The plugin server does not start`)
      : warning(at, "telemetry-misread", message);
  });
  return [...faults, ...misspelt(variables)];
}

function flagIn(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => /^--telemetry(?:=|$)/.test(word));
  return at < 0 ? undefined : (words[at]!.split("=")[1] ?? words[at + 1]);
}

function noSignals(at: Variable): Finding {
  const message =
    "names no signals: traces,metrics, one of them, or off. The plugin server does not start";
  return error(at, "telemetry-refused", message);
}

/** A receiver is named, and the switch that is ours is off. */
function neverSent(variables: readonly Variable[], own: Variable | undefined): Finding[] {
  const receiver = variables.find(
    ({ name, text }) => /^OTEL_EXPORTER_OTLP_(?:\w+_)?ENDPOINT$/.test(name) && text,
  );
  if (!receiver) return [];
  const off = own ? "is off" : "is not set";
  const message = `names a receiver, and nothing is sent: KONG_LLM_TELEMETRY ${off}; set it to traces,metrics`;
  return [warning(receiver, "telemetry-off", message)];
}

const ofExporter = [
  ...["ENDPOINT", "PROTOCOL", "HEADERS", "TIMEOUT", "COMPRESSION"],
  ...["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"],
];

/** As docs/observability.md tells them. */
const read = new Set([
  ...["", "TRACES_", "METRICS_"].flatMap((signal) =>
    ofExporter.map((one) => `OTEL_EXPORTER_OTLP_${signal}${one}`),
  ),
  ...["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
  ...["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"],
  ...["OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"],
  ...["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_BSP_SCHEDULE_DELAY"],
  ...["OTEL_BSP_EXPORT_TIMEOUT", "OTEL_METRIC_EXPORT_INTERVAL", "OTEL_METRIC_EXPORT_TIMEOUT"],
  ...["OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER"],
]);

// Of what we do not send or do, and so no slips: they may stand in an environment that others share.
const ofOthers =
  /^OTEL_(?:LOGS_|BLRP_|SPAN_|LINK_|EVENT_|ATTRIBUTE_|PROPAGATORS|LOG_LEVEL|EXPORTER_(?!OTLP_)|EXPORTER_OTLP_LOGS_|METRICS_EXEMPLAR_|CONFIG_)/;

/** The server does not know that one was meant for it. */
function misspelt(variables: readonly Variable[]): Finding[] {
  return variables.flatMap((at) => {
    const { name } = at;
    if (!/^OTEL_/i.test(name) || read.has(name) || ofOthers.test(name)) return [];
    const meant = nearest(name, read);
    if (meant === undefined) return [];
    return [warning(at, "telemetry-unread", `is read by nobody; did you mean "${meant}"?`)];
  });
}
