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
    ...patches(objects),
  ];
}

function unknownNames(objects: Located[]): Finding[] {
  const names = objects.filter((at) => pluginKinds.includes(kindOf(at))).map(nameOf);
  if (names.length === 0) return [];
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
  const secrets = objects.filter((at) => kindOf(at) === "Secret").map(nameOf);
  if (secrets.length === 0) return [];
  return (object.get("credentials")?.items() ?? [])
    .filter(({ text }) => text !== undefined && !secrets.includes(text))
    .map((at) =>
      warning(
        at,
        "credential-missing",
        `no Secret here is called "${at.text}"${didYouMean(at.text!, secrets) || ": it must exist before the consumer"}`,
      ),
    );
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
