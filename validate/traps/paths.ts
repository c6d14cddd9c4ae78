// What of a path arrives at the upstream: a version twice, or none, an endpoint behind another one; and paths
// that no request has.

import { rowOf } from "../../families/endpoint";
import { type Configuration, llmWays, type Way } from "../configuration";
import { error, type Finding } from "../finding";
import { annotation, kindOf } from "../kubernetes-objects";
import type { Located } from "../located";
import { perRoute, type Trap } from "./trap";

/** /v1 of the service's path and /v1 of the route's. */
const doubledPath: Trap = ({ ways }) =>
  perRoute(ways, "doubled-path", ({ service, paths, stripsPath }) => {
    if (!service || stripsPath) return undefined;
    const arrived = paths.map((path) => below(service.path, path.text ?? "")).find(isDoubled);
    if (arrived === undefined) return undefined;
    return {
      at: addressOf(service.at),
      what: `the upstream gets ${arrived}`,
      todo: "drop the path of the service, or of the route with strip_path: true",
    };
  });

/** The same where a route names no version: clients do, in their base_url. */
const doubledByClients: Trap = (configuration) =>
  perRoute(llmWays(configuration), "doubled-path", (way) => {
    const arrived = clientsVersion(way, configuration.kind).find(isDoubled);
    if (!way.service || arrived === undefined) return undefined;
    return {
      at: addressOf(way.service.at),
      what: `of the /v1 that clients ask for the upstream gets ${arrived}`,
      todo: "drop the version from the address of the service",
    };
  }).map((finding): Finding => ({ ...finding, severity: "warning" }));

/** What the upstream gets of /v1 below the paths that have no version. */
function clientsVersion(way: Way, kind: Configuration["kind"]): string[] {
  const { route, service, paths, stripsPath } = way;
  if (!service) return [];
  // Of Kubernetes a route without paths is one whose paths are rewritten.
  const isOpen = paths.length === 0 && kind === "declarative" && !route.get("expression");
  return (isOpen ? ["/"] : paths.map(({ text = "" }) => text))
    .filter((prefix) => /^\/(?!~)/.test(prefix) && !/\/v\d/.test(prefix))
    .map((prefix) => below(service.path, below(stripsPath ? "" : prefix, "/v1")));
}

function below(prefix: string, path: string): string {
  return prefix.replace(/\/$/, "") + path;
}

/** /v1/v1; /v4/v1, /v1beta/openai/v1 and a deployment of Azure's, whose paths have their own. */
function isDoubled(path: string): boolean {
  return /\/v\d\w*(?:\/openai)?\/v\d+(?:\/|$)|\/deployments\/[^/]+\/v\d+(?:\/|$)/.test(path);
}

/** An SDK adds its endpoints to an address, and so do the routes. */
const endpointInAddress: Trap = (configuration) =>
  perRoute(llmWays(configuration), "service-endpoint", ({ service, paths, stripsPath }) => {
    const endpoint = service && endpointIn(service.path);
    const isReplaced = stripsPath && paths.every(({ text }) => endpointIn(text ?? ""));
    if (!service || endpoint === undefined || (isReplaced && paths.length > 0)) return undefined;
    return {
      at: addressOf(service.at),
      what: `ends with the endpoint ${endpoint}, and the path of a request follows it`,
      todo: "drop the path of the service",
    };
  });

/** The endpoint with which a path ends; not the list of models, after which an address may be called. */
function endpointIn(path: string): string | undefined {
  const segments = path.replace(/[/$]+$/, "").split("/");
  return [2, 1]
    .map((count) => segments.slice(-count).join("/"))
    .find((one) => rowOf(one)?.method === "POST");
}

/** strip_path takes away the version that the upstream needs. */
const strippedPath: Trap = (configuration) =>
  llmWays(configuration).flatMap(({ route, service, paths, stripsPath }) => {
    if (!stripsPath) return [];
    const lost = paths.find((path) => isLost(path.text ?? "", service?.path ?? ""));
    if (!lost) return [];
    const arrives = service?.path || "/";
    return [
      error(
        route.get("strip_path") ?? lost,
        "strip-path",
        `strip_path (true where it is not set) takes ${lost.text} away, so that the upstream gets ${arrives}: set strip_path: false`,
      ),
    ];
  });

/** A service whose path names a version, or a deployment of Azure's, puts it in the place of the route's. */
function isLost(path: string, served: string): boolean {
  const versioned = /\/v\d+(\/.*)?$/.exec(path);
  if (!versioned) return false;
  return !served.endsWith(versioned[1] ?? "") || !/\/v\d|\/deployments\//.test(served);
}

/** From Kong 3 on a path is a regular expression only after a tilde; of an Ingress, after /~. */
const regexPath: Trap = ({ kind, ways }) => {
  const isWritten = kind === "declarative";
  const prefix = isWritten ? "~" : "/~";
  const marked = ways.filter(
    ({ route }) => isWritten || (kindOf(route) === "Ingress" && !annotation(route, "regex-prefix")),
  );
  return marked
    .flatMap(({ paths }) => paths)
    .filter(({ text = "" }) => !text.startsWith(prefix))
    .flatMap((path): Finding[] => {
      const text = path.text ?? "";
      if (/\.\*|\(|\[|\$$|\\/.test(text)) {
        const message = `is matched letter by letter: a regular expression starts with a tilde, as in ${prefix}${text}`;
        return [error(path, "regex-path", message)];
      }
      if (!text.includes("*")) return [];
      const meant = text.slice(0, text.indexOf("*")).replace(/(?<=.)\/$/, "");
      const message = `is matched letter by letter, the * too: a path stands for all that begins with it; write ${meant}`;
      return [error(path, "regex-path", message)];
    });
};

function addressOf(service: Located): Located {
  return service.get("url") ?? service.get("path") ?? annotation(service, "path") ?? service;
}

export const pathTraps = [
  doubledPath,
  doubledByClients,
  endpointInAddress,
  strippedPath,
  regexPath,
];
