// What the Kong Ingress Controller trips over: it publishes a route without a plugin that it cannot
// find or translate, or stops at all.

import { error, type Finding, warning } from "../finding";
import { annotation, kindOf, namedPlugins, nameOf } from "../kubernetes-objects";
import type { Located } from "../located";
import { didYouMean, nearest } from "../misspelling";
import { credentialTraps } from "./credentials";

const pluginKinds = ["KongPlugin", "KongClusterPlugin"];

/** @param objects all objects of all files */
export function kubernetesTraps(objects: Located[]): Finding[] {
  return [
    ...unknownNames(objects),
    ...objects.filter((at) => pluginKinds.includes(kindOf(at))).flatMap(pluginObject),
    ...objects.filter((at) => kindOf(at) === "KongConsumerGroup").map(consumerGroup),
    ...credentialTraps(objects),
    ...objects.flatMap(unknownAnnotations),
    ...objects.flatMap(classless),
    ...twice(objects),
    ...patches(objects),
  ];
}

function unknownNames(objects: Located[]): Finding[] {
  const plugins = objects.filter((at) => pluginKinds.includes(kindOf(at)));
  const names = plugins.map(nameOf);
  return objects.flatMap((object) =>
    namedPlugins(object).flatMap((named): Finding[] => {
      const at = annotation(object, "plugins")!;
      // NAMESPACE:NAME, where a ReferenceGrant allows it.
      const name = named.slice(named.indexOf(":") + 1);
      const called = plugins.filter((plugin) => nameOf(plugin) === name);
      const [elsewhere] = called;
      const isThere = called.some((plugin) => name !== named || isInReach(plugin, object));
      if (isThere) return [];
      const told = elsewhere
        ? `the KongPlugin "${name}" is in another namespace:`
        : `no KongPlugin here is called "${name}"${didYouMean(name, names) || ":"}`;
      const message = `${told} without it the route is published all the same`;
      return [error(at, "unknown-kongplugin", message)];
    }),
  );
}

function isInReach(plugin: Located, object: Located): boolean {
  const [one, other] = [plugin, object].map((at) => at.get("metadata")?.get("namespace")?.text);
  return kindOf(plugin) === "KongClusterPlugin" || !one || !other || one === other;
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
function unknownAnnotations(object: Located): Finding[] {
  const given = object.get("metadata")?.get("annotations")?.members() ?? [];
  return given.flatMap(([name, at]): Finding[] => {
    const old = /^(\w+)\.konghq\.com$/.exec(name)?.[1];
    const short = name.startsWith("konghq.com/") ? name.slice("konghq.com/".length) : old;
    if (short === undefined || (!old && annotations.includes(short))) return [];
    const meant = annotations.includes(short) ? short : nearest(short, annotations);
    if (meant === undefined) return [];
    const message = `is no annotation of the controller; did you mean "konghq.com/${meant}"?`;
    return [error(at, "unknown-annotation", message)];
  });
}

function pluginObject(object: Located): Finding[] {
  const spec = object.get("spec");
  if (spec) {
    return [
      error(
        spec,
        "kongplugin-spec",
        "a KongPlugin has no spec: plugin and config stand beside metadata",
      ),
    ];
  }
  const both = object.get("configFrom");
  if (object.get("config") && both) {
    return [error(both, "config-twice", "stands beside config: the controller takes only one")];
  }
  return [];
}

function consumerGroup(object: Located): Finding {
  return error(
    object,
    "consumer-groups",
    "Kong OSS refuses it, and with it every later change: use tags by the annotation konghq.com/tags",
  );
}

/** Kinds that the controller passes over where they name no class, and no class is the default one. */
const classed = ["KongConsumer", "KongClusterPlugin"];

function classless(object: Located): Finding[] {
  if (!classed.includes(kindOf(object))) return [];
  const annotations = object.get("metadata")?.get("annotations");
  if (annotations?.get("kubernetes.io/ingress.class")) return [];
  const message =
    "has no annotation kubernetes.io/ingress.class: the controller passes it over, unless its class is the default one";
  return [warning(object, "no-class", message)];
}

/** Of two objects with one name kubectl keeps what it applied last. */
function twice(objects: Located[]): Finding[] {
  const seen = new Map<string, Located>();
  return objects.flatMap((object): Finding[] => {
    const metadata = object.get("metadata");
    const name = metadata?.get("name");
    const key = `${kindOf(object)}/${metadata?.get("namespace")?.text ?? ""}/${name?.text}`;
    const earlier = seen.get(key);
    if (!name?.text) return [];
    if (!earlier) seen.set(key, object);
    // The same object may be read twice: in a List, and embedded in values.
    if (!earlier || earlier.file !== object.file || earlier.line === object.line) return [];
    const message = `is the name of a ${kindOf(object)} in line ${earlier.line} already: only one of the two will be there`;
    return [error(name, "same-name", message)];
  });
}

/** What configPatches puts into a config must be JSON: a text with its quotes. */
function patches(objects: Located[]): Finding[] {
  const references = objects
    .flatMap((at) => at.get("configPatches")?.items() ?? [])
    .flatMap((patch) => patch.at(["valueFrom", "secretKeyRef"]));
  return references.flatMap((reference): Finding[] => {
    const [name, key] = [reference.get("name")?.text, reference.get("key")?.text];
    const secret = objects.find((at) => kindOf(at) === "Secret" && nameOf(at) === name);
    const value = key === undefined ? undefined : secret?.get("stringData")?.get(key);
    if (value?.text === undefined || isJson(value.text)) return [];
    return [
      error(
        value,
        "patch-json",
        `configPatches take JSON: write a text with its quotes, as '"..."'`,
      ),
    ];
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
