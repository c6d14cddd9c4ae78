// What the Kong Ingress Controller passes over among the annotations of an object: names that are none of
// its own, and values that it cannot read.

import { error, type Finding, warning } from "../finding";
import { kindOf } from "../kubernetes-objects";
import type { Located } from "../located";
import { nearest } from "../misspelling";

export function annotationTraps(object: Located): Finding[] {
  const given = object.get("metadata")?.get("annotations")?.members() ?? [];
  return given.flatMap(([name, at]) => [
    ...unknown(name, at),
    ...unread(name, at),
    ...misplaced(name, at, kindOf(object)),
    ...(isOfNginx(object) ? [] : ofNginx(name, at)),
  ]);
}

// konghq.com/NAME, as KIC 3.5 reads them.
const annotations = [
  ...[
    "plugins",
    "override",
    "protocols",
    "protocol",
    "path",
    "strip-path",
    "preserve-host",
    "tags",
  ],
  ...[
    "https-redirect-status-code",
    "regex-priority",
    "regex-prefix",
    "methods",
    "snis",
    "host-header",
  ],
  ...[
    "request-buffering",
    "response-buffering",
    "host-aliases",
    "client-cert",
    "ca-certificates-secret",
  ],
  ...[
    "headers",
    "connect-timeout",
    "read-timeout",
    "write-timeout",
    "retries",
    "rewrite",
    "tls-verify",
  ],
  ...["upstream-policy", "gateway-unmanaged", "gatewayclass-unmanaged", "ignore"],
  ...["tls-verify-depth", "ca-certificates-configmap"],
];

/** A name that is nearly one of them, or the one of KIC before 1.0, is passed over without a word. */
function unknown(name: string, at: Located): Finding[] {
  const old = /^(\w+)\.konghq\.com$/.exec(name)?.[1];
  const short = name.startsWith("konghq.com/") ? name.slice("konghq.com/".length) : old;
  if (short === undefined || (!old && annotations.includes(short))) return [];
  const meant = annotations.includes(short) ? short : nearest(short, annotations);
  if (meant === undefined) return [];
  const message = `is no annotation of the controller; did you mean "konghq.com/${meant}"?`;
  return [error(at, "unknown-annotation", message)];
}

const flag = { takes: /^(?:true|false|t|f|1|0)$/i, what: '"true" or "false"' };
const count = { takes: /^\d+$/, what: "a whole number" };
const protocol = "(?:https?|grpcs?|tcp|udp|tls|tls_passthrough|wss?)";

/** Of those whose value goes through no schema of Kong before it is dropped. */
const values: Record<string, { takes: RegExp; what: string }> = {
  ...{ "strip-path": flag, "preserve-host": flag, "tls-verify": flag },
  ...{ "request-buffering": flag, "response-buffering": flag },
  ...{ "connect-timeout": count, "read-timeout": count, "write-timeout": count },
  ...{ retries: count, "regex-priority": count, "tls-verify-depth": count },
  protocol: { takes: new RegExp(`^${protocol}$`), what: "a protocol, such as https" },
  protocols: {
    takes: new RegExp(`^ *${protocol} *(?:, *${protocol} *)*$`),
    what: "a list of protocols, such as http,https",
  },
  "https-redirect-status-code": {
    takes: /^(?:426|30[1278])$/,
    what: "one of 301, 302, 307, 308 and 426",
  },
};

function unread(name: string, at: Located): Finding[] {
  const short = /^konghq\.com\/(.*)$/.exec(name)?.[1] ?? "";
  const known = Object.hasOwn(values, short) ? values[short] : undefined;
  // Flux puts a ${VARIABLE} in before the controller sees it.
  const isKnown = at.text !== undefined && !at.text.includes("${");
  if (!known || !isKnown || known.takes.test(at.text!)) return [];
  return [warning(at, "unread-annotation", `must be ${known.what}: this one is passed over`)];
}

const ofServices = [
  ...["connect-timeout", "read-timeout", "write-timeout", "retries", "protocol", "path"],
  ...["host-header", "tls-verify", "tls-verify-depth", "client-cert", "upstream-policy"],
];
const ofRoutes = [
  ...["strip-path", "preserve-host", "request-buffering", "response-buffering", "methods"],
  ...["regex-priority", "https-redirect-status-code", "rewrite", "snis"],
];

/** The controller makes a service of Kong of a Service, a route of an Ingress or an HTTPRoute. */
function misplaced(name: string, at: Located, kind: string): Finding[] {
  const short = /^konghq\.com\/(.*)$/.exec(name)?.[1] ?? "";
  const isRoute = kind === "Ingress" || kind === "HTTPRoute";
  if (isRoute && ofServices.includes(short)) {
    const message = "is read of a Service alone: put it at the Service behind this route";
    return [warning(at, "unread-annotation", message)];
  }
  if (kind !== "Service" || !ofRoutes.includes(short)) return [];
  const message = "is read of an Ingress or HTTPRoute alone: put it there";
  return [warning(at, "unread-annotation", message)];
}

function ofNginx(name: string, at: Located): Finding[] {
  if (!name.startsWith("nginx.ingress.kubernetes.io/")) return [];
  return [warning(at, "unread-annotation", "is of ingress-nginx, and Kong does not read it")];
}

function isOfNginx(object: Located): boolean {
  const annotated = object.find(["metadata", "annotations", "kubernetes.io/ingress.class"]);
  const name = object.find(["spec", "ingressClassName"]) ?? annotated;
  return name?.text?.includes("nginx") ?? false;
}
