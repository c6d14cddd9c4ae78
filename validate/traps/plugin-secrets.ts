// What a KongPlugin takes of Secrets: the controller leaves a plugin out that it cannot put together, and
// publishes the route without it.

import { error, type Finding, warning } from "../finding";
import { kindOf, nameOf, secretsCalled, secretText } from "../kubernetes-objects";
import type { Located } from "../located";
import { didYouMean } from "../misspelling";

/** @param plugins KongPlugins and KongClusterPlugins, of all `objects` */
export function pluginSecretTraps(plugins: Located[], objects: Located[]): Finding[] {
  return plugins.flatMap((plugin) => {
    const patches = plugin.get("configPatches")?.items() ?? [];
    return [
      ...togetherRefused(plugin),
      ...ofSecret(plugin.get("configFrom"), "secretKeyRef", plugin, objects),
      ...patches.flatMap((patch) => [
        ...pointer(patch),
        ...ofSecret(patch.get("valueFrom") ?? patch, "secretKeyRef", plugin, objects),
        ...notJson(patch, plugin, objects),
      ]),
    ];
  });
}

function togetherRefused(plugin: Located): Finding[] {
  const from = plugin.get("configFrom");
  const beside = ["config", "configPatches"].find((member) => plugin.get(member));
  if (!from || !beside) return [];
  return [error(from, "config-twice", `stands beside ${beside}: the controller takes only one`)];
}

function ofSecret(
  at: Located | undefined,
  member: string,
  plugin: Located,
  objects: Located[],
): Finding[] {
  if (!at) return [];
  const reference = at.get(member);
  const name = reference?.get("name");
  const key = reference?.get("key");
  if (!reference || !name?.text || !key?.text) {
    const message = `names no Secret: ${member}: { name: ..., key: ... }`;
    return [error(reference ?? at, "config-secret", message)];
  }
  const secrets = objects.filter((one) => kindOf(one) === "Secret");
  const [secret] = secretsCalled(name.text, plugin, secrets);
  if (secret) return withoutKey(secret, key);
  // Secrets may come from elsewhere; where some stand here, a name that none has may be a slip.
  if (secrets.length === 0) return [];
  const meant = didYouMean(name.text, secrets.map(nameOf)) || ": it must be there first";
  const message = `no Secret of the plugin's namespace here is called "${name.text}"${meant}; without it the route is published without the plugin`;
  return [warning(name, "config-secret", message)];
}

function withoutKey(secret: Located, key: Located): Finding[] {
  const held = ["stringData", "data"].flatMap((member) => secret.get(member)?.members() ?? []);
  const keys = held.map(([name]) => name);
  if (keys.length === 0 || keys.includes(key.text!)) return [];
  const message = `is not in the Secret "${nameOf(secret)}", which has ${keys.join(", ")}: without it the route is published without the plugin`;
  return [error(key, "config-secret", message)];
}

/** RFC 6901: where in the config, as in /upstream_key/keys/0/value. */
function pointer(patch: Located): Finding[] {
  const at = patch.get("path");
  if (at?.text?.startsWith("/")) return [];
  const message = "is no path: it begins with a slash, as in /upstream_key/keys/0/value";
  return [error(at ?? patch, "patch-path", message)];
}

/** What configPatches puts into a config must be JSON: a text with its quotes. */
function notJson(patch: Located, plugin: Located, objects: Located[]): Finding[] {
  const reference = patch.find(["valueFrom", "secretKeyRef"]);
  const value = reference && secretText(reference, plugin, objects);
  if (value?.text === undefined || isJson(value.text)) return [];
  const message = `configPatches take JSON: write a text with its quotes, as '"..."'`;
  return [error(value, "patch-json", message)];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
