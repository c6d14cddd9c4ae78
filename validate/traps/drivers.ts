// Where a configuration is for drivers (our Lua files): what it lacks, and what version 0.1 or a Kong
// without Lua files has left in it.

import { clientKey } from "../../kong/client-key";
import { llmWays, type PluginEntry, runningOn, type Way } from "../configuration";
import { error, type Finding, warning } from "../finding";
import { kindOf } from "../kubernetes-objects";
import type { Located } from "../located";
import {
  functions,
  isByDrivers,
  isBySnippets,
  isOfFirstVersion,
  showsKey,
  snippetsIn,
} from "../snippets";
import { perRoute, type Trap } from "./trap";

/**
 * Those of version 0.1 may stay while nodes are upgraded (docs/migration.md); those of this version do
 * what the driver does.
 */
const snippetsBesideDriver: Trap = (configuration) => {
  const ways = llmWays(configuration).filter(isByDrivers);
  const found = (plugin: (typeof functions)[number], isOld: boolean) =>
    perRoute(ways, "snippets-beside-driver", (way) => {
      const running = runningOn(way, plugin);
      const first = running && snippetsIn(running).find((at) => isOfFirstVersion(at) === isOld);
      if (!first) return undefined;
      return isOld
        ? {
            at: first,
            what: `is a snippet of version 0.1 beside ${clientKey.name}`,
            todo: `take all of them out of ${plugin} when every Kong has our Lua files, which do their work`,
          }
        : {
            at: first,
            what: `is a snippet of ours beside ${clientKey.name}`,
            todo: `the Lua files do its work, and with both requests are refused or counted twice; take all of them out of ${plugin}`,
          };
    });
  return functions.flatMap((plugin) => [
    ...found(plugin, false),
    ...found(plugin, true).map((one): Finding => ({ ...one, severity: "warning" })),
  ]);
};

/** Neither by drivers nor by snippets, as far as it tells: nothing finds a key that comes as Bearer. */
const clientKeyMissing: Trap = (configuration) => {
  const ways = llmWays(configuration).filter((way) => !isByDrivers(way) && !isBySnippets(way));
  return perRoute(ways, "client-key-missing", (way) => {
    const keyAuth = runningOn(way, "key-auth");
    if (!keyAuth) return undefined;
    return {
      at: keyAuth.at,
      what: `no ${clientKey.name} runs before it`,
      todo: "put it beside key-auth, or SDKs that send their key as Bearer are refused; this works only with our Lua files, without them see examples/without-lua-files",
    };
  }).map((finding) => ({ ...finding, severity: "warning" }));
};

/** Kong looks for the plugins of a consumer when it knows the consumer: too late for this one. */
const clientKeyOfConsumer: Trap = ({ plugins }) =>
  plugins
    .filter(({ name, scope }) => name === clientKey.name && scope.consumer !== undefined)
    .map(({ at }) =>
      error(
        at,
        "client-key-scope",
        "never runs for a consumer, who is not known yet: put it where key-auth is",
      ),
    );

/** Kong sends the request on without it. */
const switchedOff: Trap = ({ plugins }, ours) =>
  plugins
    .filter(({ name, enabled }) => !enabled && ours.includes(name))
    .map(({ name, at }) =>
      warning(
        at.get("enabled") ?? at.get("disabled") ?? at,
        "switched-off",
        `nothing of ${name} happens, and requests pass without it: take the plugin out, or this`,
      ),
    );

const authorizationKeyName: Trap = (configuration) =>
  keyAuthsThatAreShownKeys(configuration).flatMap(({ config }) =>
    (config?.get("key_names")?.items() ?? [])
      .filter(({ text }) => text?.toLowerCase() === "authorization")
      .map((at) =>
        warning(
          at,
          "authorization-key-name",
          "is not needed: a key that comes as Bearer is shown to key-auth as x-api-key; take it out",
        ),
      ),
  );

const doubledCredential: Trap = (configuration) => {
  const ways = llmWays(configuration).filter((way) => runningOn(way, "key-auth"));
  if (ways.length === 0 || !ways.every(showsKey)) return [];
  const credentials = credentialsIn(configuration);
  const keys = new Set(credentials.map(({ text }) => text));
  return credentials.flatMap((at): Finding[] => {
    const bare = /^Bearer +(.*)$/i.exec(at.text ?? "")?.[1];
    if (bare === undefined) return [];
    const todo = keys.has(bare)
      ? "one credential is enough, as `Bearer ` is taken from a key before it is looked up: delete this one when every Kong has switched"
      : "is never found, as `Bearer ` is taken from a key before it is looked up: write it without";
    return [warning(at, "doubled-credential", todo)];
  });
};

/** What holds a key of key-auth. */
function credentialsIn({ kind, roots, credentials }: Parameters<Trap>[0]): Located[] {
  if (kind === "declarative") return credentials.flatMap((one) => one.get("key") ?? []);
  return roots
    .filter((at) => kindOf(at) === "Secret")
    .filter((at) => at.find(["metadata", "labels", "konghq.com/credential"])?.text === "key-auth")
    .flatMap((at) => at.get("stringData")?.get("key") ?? []);
}

function keyAuthsThatAreShownKeys(configuration: Parameters<Trap>[0]): PluginEntry[] {
  const shown: Way[] = llmWays(configuration).filter(showsKey);
  return [...new Set(shown.flatMap((way) => runningOn(way, "key-auth") ?? []))];
}

export const driverTraps = [
  snippetsBesideDriver,
  clientKeyMissing,
  clientKeyOfConsumer,
  switchedOff,
  authorizationKeyName,
  doubledCredential,
];
