// Reads kong.yaml: decK's form, and the DB-less one. Several documents may make one configuration,
// as several files do for decK.

import { order } from "../kong/order";
import { bySpecificity, type Configuration, type PluginEntry, type Way } from "./configuration";
import type { Located } from "./located";

export function isDeclarative(document: Located): boolean {
  if (["_format_version", "_info", "_plugin_configs"].some((name) => document.get(name)))
    return true;
  // Without it, by what only Kong lists so: Compose has a map of services.
  const listed = (name: string) => document.get(name)?.items() ?? [];
  return (
    listed("services").some((at) => at.get("routes") && (at.get("host") ?? at.get("url"))) ||
    listed("consumers").some((at) => at.get("keyauth_credentials")) ||
    listed("plugins").some((at) => Object.hasOwn(order, at.get("name")?.text ?? ""))
  );
}

/** Written for decK, which has words of its own. */
export function isDecks(roots: readonly Located[]): boolean {
  return roots.some(
    (root) =>
      root.get("_info") ??
      root.get("_plugin_configs") ??
      [...root.all()].some((at) => at.isVariable),
  );
}

export function readDeclarative(roots: Located[], embedded = false): Configuration {
  const listed = (name: string) => roots.flatMap((root) => root.get(name)?.items() ?? []);
  // decK fills in what an entity leaves out.
  const defaults = (entity: string) =>
    roots.flatMap((root) => root.find(["_info", "defaults", entity]) ?? [])[0];
  const services = listed("services").map((at) => at.over(defaults("service")));
  const consumers = listed("consumers");
  const routes = [
    ...services.flatMap((service) => itemsOf(service, "routes").map((at) => ({ at, service }))),
    ...listed("routes").map((at) => ({ at, service: serviceOf(at, services) })),
  ].map(({ at, service }) => ({ at: at.over(defaults("route")), service }));
  const plugin = (at: Located, scope: PluginEntry["scope"]) => pluginOf(at, scope, roots);
  const pluginsIn = (entity: Located, scope: PluginEntry["scope"]) =>
    itemsOf(entity, "plugins").map((at) => plugin(at, { ...scopeOf(at), ...scope }));
  const plugins = [
    ...listed("plugins").map((at) => plugin(at, scopeOf(at))),
    ...services.flatMap((at) => pluginsIn(at, { service: nameOf(at) })),
    ...routes.flatMap(({ at }) => pluginsIn(at, { route: nameOf(at) })),
    ...consumers.flatMap((at) => pluginsIn(at, { consumer: nameOf(at) })),
  ];
  return {
    kind: "declarative",
    embedded,
    roots,
    services,
    routes: routes.map(({ at }) => at),
    consumers,
    credentials: [
      ...consumers.flatMap((at) => itemsOf(at, "keyauth_credentials")),
      ...listed("keyauth_credentials"),
    ],
    plugins,
    ways: routes.map(({ at, service }) => wayOf(at, service, plugins)),
  };
}

function itemsOf(entity: Located, name: string): Located[] {
  return entity.get(name)?.items() ?? [];
}

/** By what other entities refer to it; a nameless one by its place, which nobody can. */
export function nameOf(entity: Located): string {
  const named = entity.get("name") ?? entity.get("username") ?? entity.get("id");
  return named?.text ?? entity.field;
}

/** A reference is a name, or a record with it. */
export function referred(entity: Located, name: string): Located | undefined {
  const reference = entity.get(name);
  return reference?.get("name") ?? reference?.get("id") ?? reference;
}

function serviceOf(route: Located, services: Located[]): Located | undefined {
  const name = referred(route, "service")?.text;
  return services.find(
    (service) => name !== undefined && [nameOf(service), service.get("id")?.text].includes(name),
  );
}

function scopeOf(at: Located): PluginEntry["scope"] {
  const scope: PluginEntry["scope"] = {};
  for (const kind of ["service", "route", "consumer"] as const) {
    const reference = referred(at, kind);
    if (reference) scope[kind] = reference.text ?? "";
  }
  return scope;
}

function pluginOf(at: Located, scope: PluginEntry["scope"], roots: Located[]): PluginEntry {
  const config = at.get("config");
  const shared = sharedConfig(at, roots);
  return {
    name: at.get("name")?.text ?? "",
    at,
    config: config?.over(shared) ?? shared,
    enabled: at.get("enabled")?.value !== false,
    scope,
  };
}

/** What decK puts beneath the config of a plugin: the one of _plugin_configs that it names. */
function sharedConfig(plugin: Located, roots: Located[]): Located | undefined {
  const name = plugin.get("_config")?.text;
  if (name === undefined) return undefined;
  return roots.flatMap((root) => root.find(["_plugin_configs", name]) ?? [])[0];
}

function wayOf(route: Located, service: Located | undefined, plugins: PluginEntry[]): Way {
  const name = nameOf(route);
  const mine = plugins.filter(
    ({ scope }) =>
      (scope.route === undefined || scope.route === name) &&
      (scope.service === undefined || (service && scope.service === nameOf(service))),
  );
  return {
    name,
    route,
    paths: itemsOf(route, "paths"),
    stripsPath: route.get("strip_path")?.value !== false,
    buffersResponse: route.get("response_buffering")?.value !== false,
    keepsHost: route.get("preserve_host")?.value === true,
    ...(service && { service: { at: service, path: pathOf(service) } }),
    plugins: bySpecificity(mine),
  };
}

function pathOf(service: Located): string {
  const url = service.get("url")?.text;
  if (url === undefined || !URL.canParse(url)) return service.get("path")?.text ?? "";
  const { pathname } = new URL(url);
  return pathname === "/" ? "" : pathname;
}
