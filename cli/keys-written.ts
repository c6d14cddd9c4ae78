// What `kong-llm keys create` prints for decK and for Kubernetes.

import { createHash } from "node:crypto";
import { stringify } from "yaml";
import { expiryTag } from "../kong/consumer-key";

export interface WantedKey {
  /** Username of whose key it is, and tags of that consumer. */
  consumer: string;
  tag: string[];
  expires?: Date;
}

/** For kong.yaml: the key stays in decK's environment. */
export function deck({ consumer, tag, expires }: WantedKey): string {
  const tags = expires ? [expiryTag(expires)] : [];
  const variable = variableOf(consumer);
  const entry = {
    username: consumer,
    ...(tag.length > 0 && { tags: tag }),
    keyauth_credentials: [{ key: `\${{ env "${variable}" }}`, ...(tags.length > 0 && { tags }) }],
  };
  const note = `# Add it to the list that kong.yaml has, and set ${variable} in decK's environment to the key.\n`;
  const text = yaml({ consumers: [entry] });
  // decK puts text in before YAML is read: it must stand in quotes.
  return note + text.replace(/key: (\$\{\{.*\}\})/, "key: '$1'");
}

export function variableOf(consumer: string): string {
  const plain = consumer.toUpperCase().replace(/[^A-Z0-9]+/g, "_");
  const isTold = /^[A-Za-z0-9._-]+$/.test(consumer);
  return `DECK_${isTold ? plain : `${plain}_${markOf(consumer).toUpperCase()}`}_API_KEY`;
}

/** Tells names apart of which little is left. */
function markOf(consumer: string): string {
  return createHash("sha256").update(consumer).digest("hex").slice(0, 8);
}

/** A name as Kubernetes takes it (RFC 1123); one that is other than the consumer's is still its alone. */
function objectName(consumer: string): string {
  const plain = consumer
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  if (plain === consumer) return plain;
  return plain === "" ? `consumer-${markOf(consumer)}` : `${plain}-${markOf(consumer)}`;
}

// decK and Kubernetes read YAML 1.1, where yes and on are no texts.
function yaml(value: object): string {
  return stringify(value, { version: "1.1" });
}

/** A Secret with the key, and the consumer whose credential it is. */
export function kubernetes(
  { consumer, tag, expires }: WantedKey,
  key: string,
  { namespace, ingressClass }: { namespace: string; ingressClass: string },
): string {
  const name = objectName(consumer);
  const annotated = (tags: string[]) =>
    tags.length > 0 ? { "konghq.com/tags": tags.join(",") } : {};
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      ...{ name: `${name}-key`, namespace, labels: { "konghq.com/credential": "key-auth" } },
      ...(expires && { annotations: annotated([expiryTag(expires)]) }),
    },
    stringData: { key },
  };
  const owner = {
    apiVersion: "configuration.konghq.com/v1",
    kind: "KongConsumer",
    metadata: {
      ...{ name, namespace },
      annotations: { "kubernetes.io/ingress.class": ingressClass, ...annotated(tag) },
    },
    username: consumer,
    credentials: [`${name}-key`],
  };
  return [secret, owner].map(yaml).join("---\n");
}

/** The limit that holds a consumer to so many dollars a month, for the options of rate_limit. */
export function budget(consumer: string, usd: number): string {
  const level = { by: "consumer", names: [consumer], cost_usd: { month: usd } };
  const text = yaml({ levels: [level] });
  return `# And of rate_limit, before the entry for all consumers where there is one:\n${text.replace(/^/gm, "# ").replace(/# $/, "")}`;
}
