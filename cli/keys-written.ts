// What `kong-llm keys create` prints for decK and for Kubernetes.

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
  const text = stringify({ consumers: [entry] });
  // decK puts text in before YAML is read: it must stand in quotes.
  return note + text.replace(/key: (\$\{\{.*\}\})/, "key: '$1'");
}

export function variableOf(consumer: string): string {
  return `DECK_${consumer.toUpperCase().replace(/[^A-Z0-9]+/g, "_")}_API_KEY`;
}

/** A Secret with the key, and the consumer whose credential it is. */
export function kubernetes(
  { consumer, tag, expires }: WantedKey,
  key: string,
  { namespace, ingressClass }: { namespace: string; ingressClass: string },
): string {
  const name = consumer.toLowerCase().replace(/[^a-z0-9]+/g, "-");
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
  return [secret, owner].map((object) => stringify(object)).join("---\n");
}

/** The limit that holds a consumer to so many dollars a month, for the options of rate_limit. */
export function budget(consumer: string, usd: number): string {
  const level = { by: "consumer", names: [consumer], cost_usd: { month: usd } };
  const text = stringify({ levels: [level] });
  return `# And of rate_limit, before the entry for all consumers where there is one:\n${text.replace(/^/gm, "# ").replace(/# $/, "")}`;
}
