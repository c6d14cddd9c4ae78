// Reads what the Kong Ingress Controller makes a Kong's configuration of: KongPlugins and those who
// name them by the annotation konghq.com/plugins. All objects together are one configuration.

import { bySpecificity, type Configuration, type PluginEntry, type Way } from "./configuration";
import type { Located } from "./located";

const pluginKinds = ["KongPlugin", "KongClusterPlugin"];
const knownKinds = [
  ...pluginKinds,
  ...["Ingress", "HTTPRoute", "Service", "Secret", "KongConsumer", "KongConsumerGroup"],
];

/** The objects within a document: itself, items of a List, extraObjects of Helm values. */
export function objectsIn(document: Located): Located[] {
  return [...document.all()]
    .filter((at) => at.isMap && knownKinds.includes(kindOf(at)) && at.get("metadata"))
    .map((at) => at.named(`${kindOf(at)}[${nameOf(at)}]`));
}

export function readObjects(objects: Located[]): Configuration {
  const plugins = new Map<string, PluginEntry>();
  for (const at of objects) {
    if (pluginKinds.includes(kindOf(at))) plugins.set(nameOf(at), pluginOf(at));
  }
  const services = objects.filter((at) => kindOf(at) === "Service");
  const routes = objects.filter((at) => ["Ingress", "HTTPRoute"].includes(kindOf(at)));
  return {
    kind: "kubernetes",
    embedded: false,
    roots: objects,
    services,
    routes,
    consumers: objects.filter((at) => kindOf(at) === "KongConsumer"),
    plugins: [...plugins.values()],
    ways: routes.flatMap((route) => waysOf(route, services, plugins)),
  };
}

export function kindOf(object: Located): string {
  return object.get("kind")?.text ?? "";
}

export function nameOf(object: Located): string {
  return object.get("metadata")?.get("name")?.text ?? "";
}

export function annotation(object: Located, name: string): Located | undefined {
  return object.get("metadata")?.get("annotations")?.get(`konghq.com/${name}`);
}

/** The names in konghq.com/plugins. */
export function namedPlugins(object: Located): string[] {
  const names = annotation(object, "plugins")?.text ?? "";
  return names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function pluginOf(at: Located): PluginEntry {
  const isGlobal = at.get("metadata")?.get("labels")?.get("global")?.text === "true";
  return {
    name: at.get("plugin")?.text ?? "",
    at,
    config: at.get("config"),
    enabled: at.get("disabled")?.value !== true,
    scope: isGlobal ? {} : { service: "", route: "" },
  };
}

// One way for each service behind a route: what is annotated at the service runs too.
function waysOf(
  route: Located,
  services: Located[],
  plugins: ReadonlyMap<string, PluginEntry>,
): Way[] {
  const paths = [...route.all()].filter((at) => isPath(at));
  const backends = new Set(backendsOf(route));
  const behind = services.filter((service) => backends.has(nameOf(service)));
  return (behind.length > 0 ? behind : [undefined]).map((service) => {
    const pick = (names: string[], scope: PluginEntry["scope"]) =>
      names.flatMap((name) => {
        const found = plugins.get(name);
        return found ? [{ ...found, scope }] : [];
      });
    const mine = [
      ...[...plugins.values()].filter(({ scope }) => scope.route === undefined),
      ...pick(namedPlugins(route), { route: nameOf(route) }),
      ...(service ? pick(namedPlugins(service), { service: nameOf(service) }) : []),
    ];
    return {
      name: nameOf(route),
      route,
      paths,
      stripsPath: annotation(route, "strip-path")?.text === "true",
      buffersResponse: annotation(route, "response-buffering")?.text !== "false",
      ...(service && {
        service: { at: service, path: annotation(service, "path")?.text ?? "" },
      }),
      plugins: bySpecificity(mine),
    };
  });
}

/** `path: /v1` of an Ingress, `value: /v1` of an HTTPRoute's match. */
function isPath(at: Located): boolean {
  return /(\.path|\.path\.value)$/.test(at.field) && (at.text?.startsWith("/") ?? false);
}

function backendsOf(route: Located): string[] {
  return [...route.all()]
    .filter((at) => /(service\.name|backendRefs\[[^\]]*\]\.name)$/.test(at.field))
    .flatMap((at) => at.text ?? []);
}
