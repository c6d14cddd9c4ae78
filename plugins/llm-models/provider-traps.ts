// Mistakes in addresses of providers, and in what aliases say of them: models that none of them serves, or
// that several do.

import { rowOf } from "../../families/endpoint";
import { error, type Mistake, warning } from "../../stages/mistake";
import { originIn } from "./provider-url";
import { type Providers, providersOf } from "./providers";
import type { ModelsOptions } from "./schema";

export function providerTraps({ aliases, providers: options }: ModelsOptions): Mistake[] {
  if (options.length === 0) return [];
  return [...options.flatMap(addressTraps), ...aliasTraps(aliases, options)];
}

function addressTraps({ url }: ModelsOptions["providers"][number], index: number): Mistake[] {
  // The schema takes no other addresses.
  const { scheme, host, base } = originIn(url)!;
  const path = ["providers", index, "url"];
  const segments = base.replace(/\/v1$/, "").split("/");
  const endpoint = [2, 1].map((count) => segments.slice(-count).join("/")).find(isAsked);
  if (endpoint !== undefined) {
    const message = `ends with an endpoint, which is added to it: let it end before ${endpoint}`;
    return [error(path, "provider-url", message)];
  }
  if (scheme === "https" || isNear(host)) return [];
  const message = "goes over the network in clear text, with its key: use https://";
  return [warning(path, "provider-in-clear", message)];
}

/** Not the list of models, after which an address may be called. */
function isAsked(path: string): boolean {
  return rowOf(path)?.method === "POST";
}

// A name within a cluster or an office, or an address of none but these.
const nearName = /^[^.]+$|\.(?:local|localhost|internal|svc|lan|home\.arpa)$|\.svc\./i;
const nearAddress =
  /^(?:127|10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+$|^\[(?:::1|f[cde][\da-f:]+)\]$/i;

/** Whether what goes to a host stays in a cluster or an office, as far as its name tells. */
export function isNear(host: string): boolean {
  return nearName.test(host) || nearAddress.test(host);
}

function aliasTraps(
  aliases: ModelsOptions["aliases"],
  options: ModelsOptions["providers"],
): Mistake[] {
  const providers = providersOf(options);
  return aliases.flatMap(({ target, targets, fallbacks }, index) => {
    const named = [
      ...(target === "" ? [] : [{ name: target, path: ["target"] }]),
      ...targets.map(({ model }, place) => ({ name: model, path: ["targets", place, "model"] })),
      ...fallbacks.map((name, place) => ({ name, path: ["fallbacks", place] })),
    ];
    return named.flatMap(({ name, path }) =>
      mistakesOf(name, ["aliases", index, ...path], providers, options),
    );
  });
}

function mistakesOf(
  name: string,
  path: PropertyKey[],
  { locate, bare }: Providers,
  options: ModelsOptions["providers"],
): Mistake[] {
  const found = locate(name, "openai") ?? locate(name, "anthropic");
  if (!found) {
    return [error(path, "no-provider", `no provider serves "${name}": name it in its models`)];
  }
  if (bare(name) !== name) return [];
  const serving = options.filter((one) => locate(`${one.name}/${name}`, "openai"));
  const [first, second] = serving.map((one) => one.name);
  if (first === undefined || second === undefined) return [];
  const todo = `write "${first}/${name}", or name each in targets to share its requests`;
  const message = `${serving.length} providers serve "${name}", and the first is taken: ${todo}`;
  return [warning(path, "several-providers", message)];
}
