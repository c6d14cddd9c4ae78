// What the Kong Ingress Controller trips over: it publishes a route without a plugin that it cannot
// find, passes over what is not its own, or stops at all.

import { error, type Finding, warning } from "../finding";
import {
  extensions,
  isInReach,
  kindOf,
  namedPlugins,
  nameOf,
  rulesOf,
} from "../kubernetes-objects";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import { annotationTraps } from "./annotations";
import { credentialTraps } from "./credentials";
import { objectTraps } from "./objects";
import { pluginSecretTraps } from "./plugin-secrets";

const pluginKinds = ["KongPlugin", "KongClusterPlugin"];

/** @param objects all objects of all files */
export function kubernetesTraps(objects: Located[]): Finding[] {
  const plugins = objects.filter((at) => pluginKinds.includes(kindOf(at)));
  return [
    ...unknownNames(objects),
    ...objects.flatMap(objectTraps),
    ...pluginSecretTraps(plugins, objects),
    ...consumerGroups(objects),
    ...credentialTraps(objects),
    ...objects.flatMap(unknownExtensions),
    ...objects.flatMap(annotationTraps),
    ...objects.flatMap(classless),
    ...twice(objects),
    ...plugins.flatMap(globalInVain),
  ];
}

function unknownNames(objects: Located[]): Finding[] {
  const plugins = objects.filter((at) => pluginKinds.includes(kindOf(at)));
  const names = plugins.map(nameOf);
  return objects.flatMap((object) =>
    namedPlugins(object).flatMap(({ at, name: named }): Finding[] => {
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

/** The controller leaves out a whole HTTPRoute with a filter that it does not know (KIC 3.5). */
function unknownExtensions(object: Located): Finding[] {
  return rulesOf(object)
    .flatMap(extensions)
    .flatMap((reference) => [
      ...otherThan(reference, "group", "configuration.konghq.com"),
      ...otherThan(reference, "kind", "KongPlugin"),
    ]);
}

function otherThan(reference: Located, member: string, wanted: string): Finding[] {
  const at = reference.get(member);
  if (at?.text === wanted) return [];
  const message = `must have the ${member} ${wanted}: with another one the route is not published`;
  return [error(at ?? reference, "unknown-filter", message)];
}

function consumerGroups(objects: Located[]): Finding[] {
  const groups = objects.filter((at) => kindOf(at) === "KongConsumerGroup");
  const members = objects.flatMap((at) => at.get("consumerGroups") ?? []);
  const message =
    "Kong OSS refuses it, and with it every later change: use tags by the annotation konghq.com/tags";
  return [...groups, ...members].map((at) => error(at, "consumer-groups", message));
}

/** The controller reads the label of KongClusterPlugins alone. */
function globalInVain(plugin: Located): Finding[] {
  const at = plugin.get("metadata")?.get("labels")?.get("global");
  if (kindOf(plugin) !== "KongPlugin" || !at) return [];
  const message = "is read of a KongClusterPlugin alone: this one runs only where it is named";
  return [warning(at, "global-in-vain", message)];
}

/** Kinds that the controller passes over where they name no class, and no class is the default one. */
const classed = ["KongConsumer", "KongClusterPlugin", "Ingress"];

function classless(object: Located): Finding[] {
  if (!classed.includes(kindOf(object))) return [];
  const annotations = object.get("metadata")?.get("annotations");
  if (annotations?.get("kubernetes.io/ingress.class")) return [];
  const isIngress = kindOf(object) === "Ingress";
  if (isIngress && object.get("spec")?.get("ingressClassName")) return [];
  const lacks = isIngress ? "spec.ingressClassName" : "annotation kubernetes.io/ingress.class";
  const message = `has no ${lacks}: the controller passes it over, unless its class is the default one`;
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
