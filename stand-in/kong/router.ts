// Finds the route of a request, as Kong's traditional_compatible router does (kong/router/
// transform.lua and atc.lua 3.9): more kinds of criteria first, then plain hosts, regular
// expressions by regex_priority, then the longest prefix.

import type { Route, Service } from "./config";
import type { KongRequest } from "./kong-request";
import { escapePath, normalizePath, safeRest, upstreamPath } from "./uri";

export interface Match {
  route: Route;
  service: Service | undefined;
  /** The part of the path that a route with strip_path matched. */
  prefix: string | undefined;
  upstreamUri: string;
}

interface Candidate {
  route: Route;
  service: Service | undefined;
  paths: RouteMatcher[];
  weight: number[];
}

/** Answers the part of a path that it matches, from the start. */
type RouteMatcher = (path: string) => string | undefined;

type Found = (request: KongRequest) => Match | undefined;

/** @throws when a path is no valid regular expression */
export function routerOf(routes: { route: Route; service: Service | undefined }[]): Found {
  const candidates = routes
    .flatMap(({ route, service }) =>
      pathGroups(route.paths ?? []).map((paths) => candidateOf(route, service, paths)),
    )
    .sort((one, other) => compare(other.weight, one.weight));

  return (request) => {
    const path = normalizePath(request.rawPath);
    for (const candidate of candidates) {
      const matched = matchedPath(candidate, request, path);
      if (matched !== undefined) return matchOf(candidate, path, matched);
    }
    return undefined;
  };
}

function matchOf({ route, service }: Candidate, path: string, matched: string): Match {
  const prefix = route.strip_path ? matched : undefined;
  const rest = safeRest(path.slice((prefix ?? "/").length));
  const upstream = upstreamPath(service?.path ?? "/", path, rest, route.strip_path);
  return { route, service, prefix, upstreamUri: escapePath(upstream) };
}

function matchedPath(
  { route, paths }: Candidate,
  request: KongRequest,
  path: string,
): string | undefined {
  if (!route.protocols.includes(request.scheme)) {
    // A route for https alone is found over http too: Kong answers 426 then.
    if (!route.protocols.includes("https")) return undefined;
  }
  if (route.methods && !route.methods.includes(request.method)) return undefined;
  if (route.hosts && !route.hosts.some((host) => matchesHost(host, request))) return undefined;
  for (const [name, values] of Object.entries(route.headers ?? {})) {
    const sent = request.headers.all(name).map((value) => value.toLowerCase());
    if (!values.some((value) => sent.some((one) => matchesHeader(value, one)))) return undefined;
  }
  if (paths.length === 0) return "";
  for (const matches of paths) {
    const matched = matches(path);
    if (matched !== undefined) return matched;
  }
  return undefined;
}

function matchesHost(pattern: string, request: KongRequest): boolean {
  const [name = "", port] = pattern.split(":");
  if (port !== undefined && Number(port) !== request.serverPort) return false;
  if (name.startsWith("*")) return request.host.endsWith(name.slice(1));
  if (name.endsWith("*")) return request.host.startsWith(name.slice(0, -1));
  return request.host === name;
}

function matchesHeader(pattern: string, value: string): boolean {
  if (pattern.startsWith("~*")) return new RegExp(pattern.slice(2).toLowerCase()).test(value);
  return value === pattern.toLowerCase();
}

// Kong splits a route whose paths are of several lengths, or plain and regular, into one for each.
function pathGroups(paths: string[]): string[][] {
  const groups = new Map<number, string[]>();
  for (const path of paths) {
    const key = path.startsWith("~") ? 0 : path.length;
    groups.set(key, [...(groups.get(key) ?? []), path]);
  }
  return groups.size === 0 ? [[]] : [...groups.values()];
}

function candidateOf(route: Route, service: Service | undefined, paths: string[]): Candidate {
  const isRegex = paths[0]?.startsWith("~") ?? false;
  const headers = Object.keys(route.headers ?? {}).length;
  const criteria = [route.methods, route.hosts, headers > 0 || undefined, paths[0]];
  const plainHosts = route.hosts?.every((host) => !host.includes("*")) ?? false;
  return {
    route,
    service,
    paths: paths.map(pathMatcher),
    weight: [
      criteria.filter((criterion) => criterion !== undefined).length,
      plainHosts ? 1 : 0,
      headers,
      isRegex ? 1 : 0,
      isRegex ? route.regex_priority : 0,
      isRegex ? 0 : (paths[0]?.length ?? 0),
    ],
  };
}

function pathMatcher(path: string): RouteMatcher {
  if (!path.startsWith("~")) {
    return (candidate) => (candidate.startsWith(path) ? path : undefined);
  }
  const pattern = new RegExp(`^(?:${path.slice(1)})`);
  return (candidate) => pattern.exec(candidate)?.[0];
}

function compare(one: number[], other: number[]): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
