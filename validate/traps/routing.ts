// Streams, ports, hosts and time-outs: what makes a request arrive at the wrong place, late, or at once where
// it should have streamed. Paths are in paths.ts.

import { isNear } from "../../plugins/llm-models/provider-traps";
import { type Configuration, llmWays } from "../configuration";
import { error, type Finding, warning } from "../finding";
import { annotation } from "../kubernetes-objects";
import type { Located } from "../located";
import { perRoute, type Trap } from "./trap";

const bufferedResponse: Trap = (configuration) =>
  llmWays(configuration)
    .filter(({ buffersResponse }) => buffersResponse)
    .map(({ route }) =>
      error(
        configuration.kind === "kubernetes"
          ? (route.at(["metadata", "annotations"]) ?? route)
          : (route.get("response_buffering") ?? route),
        "response-buffering",
        configuration.kind === "kubernetes"
          ? 'streams arrive at once at their end: annotate konghq.com/response-buffering: "false"'
          : "streams arrive at once at their end: set response_buffering: false",
      ),
    );

const httpsPort: Trap = ({ kind, services }) =>
  services
    .filter((service) => kind === "declarative" && service.get("protocol")?.text === "https")
    .filter((service) => [undefined, 80].includes(service.get("port")?.value as number | undefined))
    .map((service) =>
      error(
        service.get("port") ?? service.get("protocol") ?? service,
        "https-port",
        "speaks TLS to port 80, which is the default: set port: 443",
      ),
    );

/** The controller's default is http, whatever the port. */
const plainPort: Trap = (configuration) =>
  configuration.kind === "declarative"
    ? plainlyTo443(configuration)
    : annotatedPlain(configuration);

function plainlyTo443({ services }: Configuration): Finding[] {
  const urls = services
    .flatMap((service) => service.get("url") ?? [])
    .filter(({ text }) => /^http:\/\/[^/]*:443(?:\/|$)/.test(text ?? ""))
    .map((at) => error(at, "plain-port", "speaks plain HTTP to port 443: write https://"));
  const apart = services
    .filter((service) => (service.get("protocol")?.text ?? "http") === "http")
    .filter((service) => !service.get("url") && service.get("port")?.value === 443)
    .map((service) =>
      error(
        service.get("protocol") ?? service.get("port")!,
        "plain-port",
        "speaks plain HTTP to port 443: set protocol: https",
      ),
    );
  return [...urls, ...apart];
}

function annotatedPlain(configuration: Configuration): Finding[] {
  return llmWays(configuration).flatMap(({ service }) => {
    const ports = service?.at.get("spec")?.get("ports")?.items() ?? [];
    const isTls = ports.length > 0 && ports.every((port) => port.get("port")?.value === 443);
    const isTold = ports.some((port) => port.get("appProtocol"));
    const protocol = service && annotation(service.at, "protocol");
    if (!service || !isTls || isTold || (protocol?.text ?? "http") !== "http") return [];
    const message = "speaks plain HTTP to port 443: annotate konghq.com/protocol: https";
    return [error(protocol ?? service.at, "plain-port", message)];
  });
}

const timeouts = ["connect_timeout", "write_timeout", "read_timeout"];

/** In milliseconds; of a Service of Kubernetes by its annotation, which is a text. */
function timeoutOf(
  kind: Configuration["kind"],
  service: Located,
  name: string,
): { at: Located; value: number } | undefined {
  const at =
    kind === "declarative" ? service.get(name) : annotation(service, name.replace("_", "-"));
  const value = kind === "declarative" ? at?.value : Number(at?.text);
  return at && typeof value === "number" && value > 0 ? { at, value } : undefined;
}

const timeoutUnit: Trap = ({ kind, services }) =>
  services.flatMap((service) =>
    timeouts.flatMap((name): Finding[] => {
      const { at, value } = timeoutOf(kind, service, name) ?? {};
      if (!at || value === undefined || value >= 1000) return [];
      const meant = value * 1000;
      return [
        error(at, "timeout-unit", `is in milliseconds: ${value} is below a second; write ${meant}`),
      ];
    }),
  );

/** A model may think for a minute before its first byte. */
const shortReadTimeout: Trap = (configuration) =>
  llmWays(configuration).flatMap(({ service }) => {
    const timeout = service && timeoutOf(configuration.kind, service.at, "read_timeout");
    if (!timeout || timeout.value < 1000 || timeout.value >= 60_000) return [];
    return [
      warning(
        timeout.at,
        "read-timeout",
        `long answers of a model are cut after ${timeout.value / 1000} s of silence: 120000 is usual`,
      ),
    ];
  });

/** Providers find by Host, and by the TLS name that follows it, whose request it is. */
const otherHost: Trap = (configuration) =>
  perRoute(llmWays(configuration), "preserve-host", ({ route, service, keepsHost }) => {
    const host = service && hostOf(configuration, service.at);
    if (!keepsHost || !host || isNear(host)) return undefined;
    const isWritten = configuration.kind === "declarative";
    return {
      at: isWritten
        ? route.get("preserve_host")!
        : (annotation(route, "preserve-host") ?? route.at(["metadata", "annotations"])),
      what: `${host} is asked by the name that the client asked for`,
      todo: isWritten
        ? "set preserve_host: false"
        : 'the controller keeps it unless it is told not to; annotate konghq.com/preserve-host: "false"',
    };
  }).map((finding): Finding => ({ ...finding, severity: "warning" }));

/** That of the upstream; undefined where it is not told here. */
export function hostOf({ kind }: Configuration, service: Located): string | undefined {
  if (kind === "kubernetes") return service.get("spec")?.get("externalName")?.text;
  const at = service.get("url") ?? service.get("host");
  if (!at?.text || at.isVariable) return undefined;
  return /^(?:\w+:\/\/)?(\[[^\]]*\]|[^/:]+)/.exec(at.text)?.[1];
}

const uncheckedCertificate: Trap = (configuration) =>
  llmWays(configuration).flatMap(({ service }) => {
    const at = service?.at.get("tls_verify");
    if (at?.value !== false) return [];
    return [
      warning(
        at,
        "tls-verify",
        "whoever stands between gets the upstream's key: leave it out, or set it to true",
      ),
    ];
  });

/** As of a provider's address: the key of the upstream goes along. Port 443 is told above. */
const inClear: Trap = (configuration) => {
  if (configuration.kind !== "declarative") return [];
  const pools = configuration.roots.flatMap((root) => root.get("upstreams")?.items() ?? []);
  const names = pools.map((pool) => pool.get("name")?.text);
  return llmWays(configuration).flatMap(({ service }) => {
    const url = service?.at.get("url");
    const at = url ?? service?.at.get("host");
    const protocol = service?.at.get("protocol")?.text ?? "http";
    const written = url ? url.text : `${protocol}://${at?.text}`;
    const host = /^http:\/\/(\[[^\]]*\]|[\w.-]+)(?!:443|[\w.-])/.exec(written ?? "")?.[1];
    if (!at || at.isVariable || host === undefined || isNear(host) || names.includes(host)) {
      return [];
    }
    const message = "goes over the network in clear text, with the upstream's key: use https";
    return [warning(at, "upstream-in-clear", message)];
  });
};

const switchedOffService: Trap = (configuration) =>
  llmWays(configuration).flatMap(({ service }) => {
    const at = service?.at.get("enabled");
    if (at?.value !== false) return [];
    return [warning(at, "service-off", "all routes of this service answer with 404: is it meant?")];
  });

export const routingTraps = [
  bufferedResponse,
  otherHost,
  httpsPort,
  plainPort,
  timeoutUnit,
  shortReadTimeout,
  uncheckedCertificate,
  inClear,
  switchedOffService,
];
