// The kong.yaml that `kong-llm init` writes: this package's own, with what was answered put in.

import { isMap, isScalar, type YAMLMap } from "yaml";
import { variableOf } from "../keys-written";
import { shippedDocument, written } from "./shipped";
import type { Wanted } from "./wanted";

const head = `The gateway: what decK syncs to Kong, and what \`kong-llm render\` turns into Kong's DB-less form.
  kong-llm validate kong.yaml       checks it
Needs in decK's environment the clients' keys, in Kong's HOLYSHEEP_API_KEY and, where several nodes shall
count together, REDIS_URL.`;

/** @param upstream where requests go on to; its path stands before /v1 */
export function kongYaml({ consumer, requestsPerMinute }: Wanted, upstream: URL): string {
  const document = shippedDocument("kong.yaml", head);
  const service = document.getIn(["services", 0]);
  if (!isMap(service)) throw new Error("kong.yaml has no service");
  service.set("protocol", upstream.protocol.slice(0, -1));
  service.set("host", upstream.hostname);
  service.set("port", portOf(upstream));
  if (upstream.pathname !== "/") {
    service.set("path", upstream.pathname);
    sayPath(service, upstream.pathname);
  }
  document.setIn([...gatewayIn(document.toJS()), "minute"], requestsPerMinute);
  document.setIn(["consumers", 0, "username"], consumer);
  const key = document.getIn(["consumers", 0, "keyauth_credentials", 0, "key"], true);
  if (!isScalar(key)) throw new Error("kong.yaml has no key of a consumer");
  key.value = `\${{ env "${variableOf(consumer)}" }}`;
  return written(document);
}

/** In place of what is said of a service without a path. */
function sayPath(service: YAMLMap, path: string): void {
  const first = service.items[1]?.key;
  if (isScalar(first)) {
    first.commentBefore = ` With strip_path: false below /v1/... arrives as ${path}/v1/..., once.`;
  }
}

/** Where the limit of requests stands. */
function gatewayIn(config: { services: { plugins: { name: string }[] }[] }): (string | number)[] {
  const at = config.services[0]!.plugins.findIndex(({ name }) => name === "llm-gateway");
  return ["services", 0, "plugins", at, "config", "rate_limit", "requests"];
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}
