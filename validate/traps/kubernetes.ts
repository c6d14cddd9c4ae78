// What the Kong Ingress Controller trips over: it publishes a route without a plugin that it cannot
// find or translate, or stops at all.

import { error, type Finding, warning } from "../finding";
import { annotation, kindOf, namedPlugins, nameOf } from "../kubernetes-objects";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";

const pluginKinds = ["KongPlugin", "KongClusterPlugin"];

/** @param objects all objects of all files */
export function kubernetesTraps(objects: Located[]): Finding[] {
  return [
    ...unknownNames(objects),
    ...objects.filter((at) => pluginKinds.includes(kindOf(at))).flatMap(pluginObject),
    ...objects.filter((at) => kindOf(at) === "KongConsumerGroup").map(consumerGroup),
    ...objects.filter((at) => kindOf(at) === "Secret").flatMap(credential),
    ...objects.filter((at) => kindOf(at) === "KongConsumer").flatMap((at) => consumer(at, objects)),
    ...objects.flatMap(classless),
    ...twice(objects),
    ...patches(objects),
  ];
}

function unknownNames(objects: Located[]): Finding[] {
  const names = objects.filter((at) => pluginKinds.includes(kindOf(at))).map(nameOf);
  return objects.flatMap((object) => {
    const at = annotation(object, "plugins");
    return namedPlugins(object)
      .filter((name) => !names.includes(name))
      .map((name) =>
        error(
          at!,
          "unknown-kongplugin",
          `no KongPlugin here is called "${name}"${didYouMean(name, names) || ":"} without it the route is published all the same`,
        ),
      );
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

/** The label by which the controller knows a Secret as a credential, and what must be in it. */
function credential(object: Located): Finding[] {
  const label = object.get("metadata")?.get("labels")?.get("konghq.com/credential");
  if (label?.text !== "key-auth") {
    const meant = label?.text?.startsWith("key") ? '; did you mean "key-auth"?' : "";
    return meant === ""
      ? []
      : [error(label!, "credential-label", `is no kind of credential${meant}`)];
  }
  const holds = [object.get("stringData"), object.get("data")].some((data) => data?.get("key"));
  return holds ? [] : [error(object, "credential-key", "has no member `key`: that is the API key")];
}

function consumer(object: Located, objects: Located[]): Finding[] {
  const secrets = objects.filter((at) => kindOf(at) === "Secret");
  if (secrets.length === 0) return [];
  return (object.get("credentials")?.items() ?? []).flatMap((at): Finding[] => {
    const secret = secrets.find((one) => nameOf(one) === at.text);
    if (secret) return unlabelled(secret, object);
    if (at.text === undefined) return [];
    const meant = didYouMean(at.text, secrets.map(nameOf));
    return [
      warning(
        at,
        "credential-missing",
        `no Secret here is called "${at.text}"${meant || ": it must exist before the consumer"}`,
      ),
    ];
  });
}

function unlabelled(secret: Located, consumer: Located): Finding[] {
  if (secret.get("metadata")?.get("labels")?.get("konghq.com/credential")) return [];
  const message = `is a credential of KongConsumer "${nameOf(consumer)}" without the label konghq.com/credential: key-auth, by which the controller finds it`;
  return [error(secret, "credential-label", message)];
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
