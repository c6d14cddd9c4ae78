// Reads what the Kong Ingress Controller makes a Kong's configuration of: KongPlugins and those who
// name them by the annotation konghq.com/plugins. All objects together are one configuration.

import { bySpecificity, type Configuration, type PluginEntry, type Way } from "./configuration";
import type { Located } from "./located";

const pluginKinds = ["KongPlugin", "KongClusterPlugin"];
const knownKinds = [
  ...pluginKinds,
  ...["Ingress", "HTTPRoute", "Service", "Secret", "KongConsumer", "KongConsumerGroup"],
  "KongVault",
];

/** The objects within a document: itself, items of a List, extraObjects of Helm values. */
export function objectsIn(document: Located): Located[] {
  return [...document.all()]
    .filter((at) => at.isMap && knownKinds.includes(kindOf(at)) && at.get("metadata"))
    .map((at) => at.named(`${kindOf(at)}[${nameOf(at)}]`));
}

export function readObjects(objects: Located[]): Configuration {
  const plugins = objects
    .filter((at) => pluginKinds.includes(kindOf(at)))
    .map((at) => pluginOf(at, objects));
  const services = objects.filter((at) => kindOf(at) === "Service");
  const routes = objects.filter((at) => ["Ingress", "HTTPRoute"].includes(kindOf(at)));
  return {
    kind: "kubernetes",
    embedded: false,
    roots: objects,
    services,
    routes,
    consumers: objects.filter((at) => kindOf(at) === "KongConsumer"),
    credentials: [],
    plugins,
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

/** What names a plugin for requests: the annotation konghq.com/plugins, or a filter of an HTTPRoute. */
interface NamedPlugin {
  at: Located;
  /** NAME, or NAMESPACE:NAME. */
  name: string;
}

/** Those of the annotation. */
function annotatedPlugins(object: Located): NamedPlugin[] {
  const at = annotation(object, "plugins");
  const names = at?.text?.split(",").map((name) => name.trim()) ?? [];
  return names.filter((name) => name !== "").map((name) => ({ at: at!, name }));
}

/** All that an object names, the rules of an HTTPRoute included. */
export function namedPlugins(object: Located): NamedPlugin[] {
  return [...annotatedPlugins(object), ...rulesOf(object).flatMap(filteringPlugins)];
}

/** By extensionRef, as the controller adds them to those of the annotation (KIC 3.5). */
function filteringPlugins(rule: Located): NamedPlugin[] {
  return extensions(rule).flatMap((reference) => {
    const at = reference.get("name");
    return at?.text === undefined ? [] : [{ at, name: at.text }];
  });
}

export function extensions(rule: Located): Located[] {
  const filters = rule.get("filters")?.items() ?? [];
  return filters.flatMap((filter) => filter.get("extensionRef") ?? []);
}

/** Those of an HTTPRoute, each of which becomes a route of Kong; of all else none. */
export function rulesOf(object: Located): Located[] {
  if (kindOf(object) !== "HTTPRoute") return [];
  return object.get("spec")?.get("rules")?.items() ?? [];
}

/** Whether two objects stand in one namespace; where one of them names none, whoever applies it decides. */
export function areNear(one: Located, other: Located): boolean {
  const named = [one, other].map((at) => at.get("metadata")?.get("namespace")?.text);
  return named.includes(undefined) || named[0] === named[1];
}

/** Whether an object may name a plugin without its namespace. */
export function isInReach(plugin: Located, object: Located): boolean {
  return kindOf(plugin) === "KongClusterPlugin" || areNear(plugin, object);
}

function pluginOf(at: Located, objects: Located[]): PluginEntry {
  const isGlobal = at.get("metadata")?.get("labels")?.get("global")?.text === "true";
  return {
    name: at.get("plugin")?.text ?? "",
    at,
    config: at.get("config") ?? configFrom(at, objects),
    enabled: at.get("disabled")?.value !== true,
    scope: isGlobal ? {} : scopeOf(at, objects),
  };
}

/** That of a consumer, where nobody but consumers name it. */
function scopeOf(plugin: Located, objects: Located[]): PluginEntry["scope"] {
  const naming = objects.filter((object) =>
    namedPlugins(object).some(({ name }) => name === nameOf(plugin) && isInReach(plugin, object)),
  );
  const [first] = naming;
  const isOfConsumers = naming.every((object) => kindOf(object) === "KongConsumer");
  return first && isOfConsumers ? { consumer: nameOf(first) } : { service: "", route: "" };
}

/** The config that stands as a text in a Secret. */
function configFrom(plugin: Located, objects: Located[]): Located | undefined {
  const reference = plugin.find(["configFrom", "secretKeyRef"]);
  const text = reference && secretText(reference, plugin, objects);
  const [config] = text?.parsed() ?? [];
  return text && config?.isMap ? config.named(text.field) : undefined;
}

/** The text that a secretKeyRef means; undefined where it is not here, or is in base64. */
export function secretText(
  reference: Located,
  from: Located,
  objects: Located[],
): Located | undefined {
  const key = reference.get("key")?.text;
  const secret = secretsCalled(reference.get("name")?.text, from, objects)[0];
  return key === undefined ? undefined : secret?.get("stringData")?.get(key);
}

export function secretsCalled(
  name: string | undefined,
  from: Located,
  objects: Located[],
): Located[] {
  return objects.filter(
    (at) => kindOf(at) === "Secret" && nameOf(at) === name && areNear(at, from),
  );
}

// An HTTPRoute's rules are routes of their own. One way for each service behind one: what is annotated
// at the service runs too.
function waysOf(route: Located, services: Located[], plugins: PluginEntry[]): Way[] {
  const rules = rulesOf(route);
  return (rules.length > 0 ? rules : [route]).flatMap((rule) => {
    const backends = new Set(backendsOf(rule));
    const behind = services.filter((service) => backends.has(nameOf(service)));
    const named = [...annotatedPlugins(route), ...filteringPlugins(rule)];
    return (behind.length > 0 ? behind : [undefined]).map((service) =>
      wayOf({ route, rule, named, service }, plugins),
    );
  });
}

interface Taken {
  route: Located;
  rule: Located;
  named: NamedPlugin[];
  service: Located | undefined;
}

function wayOf({ route, rule, named, service }: Taken, plugins: PluginEntry[]): Way {
  const pick = (names: NamedPlugin[], by: Located, scope: PluginEntry["scope"]) =>
    names.flatMap(({ name }) => {
      const found = pluginCalled(name, by, plugins);
      return found ? [{ ...found, scope }] : [];
    });
  const mine = [
    ...plugins.filter(({ scope }) => scope.route === undefined),
    ...pick(named, route, { route: nameOf(route) }),
    ...(service ? pick(annotatedPlugins(service), service, { service: nameOf(service) }) : []),
  ];
  const isRewritten = annotation(route, "rewrite") !== undefined || rewrites(rule);
  return {
    name: nameOf(route),
    route,
    paths: isRewritten ? [] : [...rule.all()].filter((at) => isPath(at)),
    stripsPath: annotation(route, "strip-path")?.text?.toLowerCase() === "true",
    buffersResponse: !isOff(annotation(route, "response-buffering")),
    keepsHost: !isOff(annotation(route, "preserve-host")),
    ...(service && {
      service: { at: service, path: annotation(service, "path")?.text ?? "" },
    }),
    plugins: bySpecificity(mine),
  };
}

/** As Go's ParseBool reads it. */
function isOff(at: Located | undefined): boolean {
  return /^(?:false|f|0)$/i.test(at?.text ?? "");
}

/** By a filter URLRewrite: what arrives is not the path of the match. */
function rewrites(rule: Located): boolean {
  const filters = rule.get("filters")?.items() ?? [];
  return filters.some((filter) => filter.find(["urlRewrite", "path"]) !== undefined);
}

function pluginCalled(
  written: string,
  by: Located,
  plugins: PluginEntry[],
): PluginEntry | undefined {
  const name = written.slice(written.indexOf(":") + 1);
  const called = plugins.filter(({ at }) => nameOf(at) === name);
  return called.find(({ at }) => isInReach(at, by)) ?? called[0];
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
