// Values that Kong OSS refuses in the fields of its entities: a text where a number belongs, one path in
// the place of a list, a service without an address.

import { entityValues } from "../../kong/entity-values";
import { error, type Finding } from "../finding";
import type { Located } from "../located";
import { valueFindings } from "../options";
import type { Trap } from "./trap";

const values: Trap = ({ kind, services, routes, consumers, plugins }) => {
  if (kind !== "declarative") return [];
  const { service, route, consumer, plugin } = entityValues;
  return [
    ...services.flatMap((at) => valueFindings(service, at)),
    ...routes.flatMap((at) => valueFindings(route, at)),
    ...consumers.flatMap((at) => valueFindings(consumer, at)),
    ...plugins.flatMap(({ at }) => valueFindings(plugin, at)),
  ];
};

const withoutAddress: Trap = ({ kind, services }) =>
  (kind === "declarative" ? services : []).flatMap((at): Finding[] => {
    if (!at.isMap || hasSome(at, ["url", "host"])) return [];
    return [error(at, "no-host", "has neither host nor url, of which it needs one")];
  });

/** Which requests a route is for; those of streams have sources and destinations. */
const matchers = ["paths", "hosts", "methods", "headers", "snis", "expression"];

const matchesNone: Trap = ({ kind, routes }) =>
  (kind === "declarative" ? routes : []).flatMap((at): Finding[] => {
    if (!at.isMap || hasSome(at, [...matchers, "sources", "destinations"])) return [];
    return [
      error(at, "no-match", "needs one of paths, hosts, methods and headers: Kong refuses it"),
    ];
  });

function hasSome(at: Located, names: string[]): boolean {
  const isGiven = (one: Located) => (one.isList ? one.items().length > 0 : one.value !== null);
  return names.some((name) => at.get(name) && isGiven(at.get(name)!));
}

export const entityValueTraps = [values, withoutAddress, matchesNone];
