// What the API server of Kubernetes refuses of an object, or drops from it: fields that its kind does not
// have, versions that are not served, labels and annotations that are no texts.

import { z } from "zod";
import { error, type Finding } from "../finding";
import { kindOf } from "../kubernetes-objects";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";
import { valueFindings } from "../options";

const ofAll = ["apiVersion", "kind", "metadata", "status"];
const ofPlugins = [
  ...["plugin", "config", "configFrom", "configPatches", "disabled", "protocols"],
  ...["instance_name", "ordering", "run_on", "consumerRef"],
];

/** By kind, as the resource definitions of KIC 3.5 have them. */
const fields: Record<string, string[]> = {
  KongPlugin: [...ofAll, ...ofPlugins],
  KongClusterPlugin: [...ofAll, ...ofPlugins],
  KongConsumer: [...ofAll, "username", "custom_id", "credentials", "consumerGroups", "spec"],
};

const versions: Record<string, string[]> = {
  KongPlugin: ["configuration.konghq.com/v1"],
  KongClusterPlugin: ["configuration.konghq.com/v1"],
  KongConsumer: ["configuration.konghq.com/v1"],
  Ingress: ["networking.k8s.io/v1"],
  HTTPRoute: ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1"],
};

const ofPlugin = z.looseObject({
  plugin: z.string().optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  disabled: z.boolean().optional(),
  protocols: z.array(z.string()).optional(),
  instance_name: z.string().optional(),
});
const secrets = z.record(z.string(), z.string().meta({ referenceable: true }));

/** What stands in them, where the API server looks at it. */
const values: Record<string, z.ZodType> = {
  KongPlugin: ofPlugin,
  KongClusterPlugin: ofPlugin,
  KongConsumer: z.looseObject({
    username: z.string().optional(),
    custom_id: z.string().optional(),
    credentials: z.array(z.unknown()).optional(),
  }),
  Secret: z.looseObject({ stringData: secrets.optional(), data: secrets.optional() }),
};

export function objectTraps(object: Located): Finding[] {
  const schema = values[kindOf(object)];
  return [
    ...unknownFields(object),
    ...(schema ? valueFindings(schema, object) : []),
    ...otherVersion(object),
    ...externalName(object),
    ...["labels", "annotations"].flatMap((member) => noTexts(object, member)),
  ];
}

function unknownFields(object: Located): Finding[] {
  const kind = kindOf(object);
  const known = fields[kind];
  if (!known) return [];
  const isPlugin = known.includes("plugin");
  return object.members().flatMap(([name, at]): Finding[] => {
    if (isPlugin && name === "spec") {
      const message = "a KongPlugin has no spec: plugin and config stand beside metadata";
      return [error(at, "kongplugin-spec", message)];
    }
    if (known.includes(name)) return [];
    const todo =
      isPlugin && name === "enabled" ? "; write disabled: true" : didYouMean(name, known);
    return [error(at, "unknown-field", `is no field of a ${kind}${todo}`)];
  });
}

function otherVersion(object: Located): Finding[] {
  const served = versions[kindOf(object)];
  const at = object.get("apiVersion");
  if (!served || (at?.text && served.includes(at.text))) return [];
  const message = `a ${kindOf(object)} is of ${served[0]}`;
  return [error(at ?? object, "api-version", message)];
}

/** The API server takes the name of a host alone, in small letters; an address is taken for a name. */
function externalName(object: Located): Finding[] {
  const at = kindOf(object) === "Service" ? object.get("spec")?.get("externalName") : undefined;
  const isName = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\.?$/.test(at?.text ?? "");
  if (!at?.text || /[$]/.test(at.text) || (isName && !/^[\d.]+$/.test(at.text))) return [];
  const message =
    "must be the name of a host alone: no https://, port, path or address; those are konghq.com/protocol, ports, konghq.com/path and an EndpointSlice";
  return [error(at, "external-name", message)];
}

/** YAML makes a boolean of true and a number of 5: "json: cannot unmarshal bool into ... string". */
function noTexts(object: Located, member: string): Finding[] {
  const given = object.get("metadata")?.get(member)?.members() ?? [];
  return given
    .filter(([, at]) => typeof at.value !== "string")
    .map(([, at]) =>
      error(at, "no-text", "must be a text, or kubectl refuses it: put it in quotes"),
    );
}
