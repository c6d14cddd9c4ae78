// Who may ask, where their keys go, and that there is one for the upstream.

import { isDeepStrictEqual } from "node:util";
import { authenticationPlugins } from "../../kong/bundled-plugins";
import { llmWays, type PluginEntry, runningOn, type Way } from "../configuration";
import { error, type Finding, warning } from "../finding";
import type { Located } from "../located";
import { showsKey } from "../snippets";
import { perRoute, type Trap } from "./trap";

const nobodyAsked: Trap = (configuration) =>
  perRoute(llmWays(configuration), "no-key-auth", (way) => {
    if (authenticationPlugins.some((name) => runningOn(way, name))) return undefined;
    return {
      at: way.route,
      what: "nobody is asked for a key",
      todo: "add key-auth to the route, its service or globally",
    };
  });

const keyShown: Trap = (configuration) =>
  keyAuths(llmWays(configuration))
    .filter(({ config }) => isNot(config?.get("hide_credentials"), true))
    .map(({ at, config }) =>
      error(
        config?.get("hide_credentials") ?? config ?? at,
        "hide-credentials",
        "a key of a client goes to the upstream in any header that our Lua does not clear: set hide_credentials: true",
      ),
    );

/** Another value, or none; of a variable that may be said when it is put in. */
function isNot(at: Located | undefined, wanted: boolean): boolean {
  return !at?.isVariable && at?.value !== wanted;
}

const keyInQuery: Trap = (configuration) =>
  keyAuths(llmWays(configuration))
    .filter(({ config }) => isNot(config?.get("key_in_query"), false))
    .map(({ at, config }) =>
      warning(
        config?.get("key_in_query") ?? config ?? at,
        "key-in-query",
        "keys in the query string end up in logs, and that is on by default: set key_in_query: false",
      ),
    );

const anonymous: Trap = (configuration) =>
  keyAuths(llmWays(configuration)).flatMap(({ config }) => {
    const at = config?.get("anonymous");
    if (!at?.text) return [];
    return [error(at, "anonymous", "lets requests without a key in: remove it")];
  });

/** key-auth's own name for the header is apikey, which no client of this API sends. */
const headerNames: Trap = (configuration) =>
  llmWays(configuration).flatMap((way): Finding[] => {
    const keyAuth = runningOn(way, "key-auth");
    if (!keyAuth) return [];
    const read = headersOf(keyAuth);
    if (read.includes("x-api-key") || (read.includes("authorization") && !showsKey(way))) return [];
    const { at, config } = keyAuth;
    return [
      error(
        config?.get("key_names") ?? config ?? at,
        "key-names",
        "keys come as x-api-key: list it in key_names",
      ),
    ];
  });

/** An OpenAI SDK sends `Bearer KEY`, and key-auth compares all of it where nothing takes that away. */
const bearerForm: Trap = (configuration) => {
  const compares = llmWays(configuration).filter((way) => !showsKey(way));
  const reads = keyAuths(compares).some((one) => headersOf(one).includes("authorization"));
  if (!reads || configuration.kind !== "declarative") return [];
  return configuration.consumers.flatMap((consumer): Finding[] => {
    const credentials = consumer.get("keyauth_credentials");
    const keys = (credentials?.items() ?? []).flatMap((one) => one.get("key")?.text ?? []);
    if (!credentials || keys.length === 0 || keys.some((key) => /^Bearer /i.test(key))) return [];
    return [
      warning(
        credentials,
        "bearer-form",
        "OpenAI SDKs are refused: put llm-client-key beside key-auth, or add the key a second time with `Bearer ` before it",
      ),
    ];
  });
};

function headersOf({ config }: PluginEntry): string[] {
  const names = config?.get("key_names")?.items() ?? [];
  return names.flatMap(({ text }) => text?.toLowerCase() ?? []);
}

const sameKey: Trap = ({ credentials }) => {
  const seen = new Set<string>();
  return credentials.flatMap((credential): Finding[] => {
    const at = credential.get("key");
    if (!at?.text) return [];
    if (seen.has(at.text)) return [error(at, "same-key", "is another credential's key already")];
    seen.add(at.text);
    return [];
  });
};

/** Kong runs one instance for a request, the most specific, and takes nothing over from the others. */
const noKeyTakenOver: Trap = ({ kind, plugins }) =>
  plugins
    .filter((entry) => entry.enabled && isKeyless(entry))
    .flatMap(({ name, at, config, scope }): Finding[] => {
      const keyed = plugins.find((other) => other.name === name && upstreamKeys(other));
      // Of one scope Kong takes one at all.
      const isTwin = kind === "declarative" && isDeepStrictEqual(keyed?.scope, scope);
      if (!keyed || isTwin) return [];
      const message = `has no upstream_key, and takes none from the ${name} in line ${keyed.at.line}: each of its requests is answered with 503; repeat what it shall have of that one`;
      return [error(config ?? at, "no-upstream-key", message)];
    });

function isKeyless(entry: PluginEntry): boolean {
  const { name, at, config } = entry;
  // What is not here may be what a patch, a Secret or another file brings.
  const isWhole = !["configPatches", "configFrom", "_config"].some((one) => at.get(one));
  return name === "llm-gateway" && isWhole && !upstreamKeys(entry) && !config?.get("providers");
}

function upstreamKeys({ config }: PluginEntry): Located | undefined {
  return config?.get("upstream_key");
}

function keyAuths(ways: Way[]): PluginEntry[] {
  return [...new Set(ways.flatMap((way) => runningOn(way, "key-auth") ?? []))];
}

export const authenticationTraps = [
  nobodyAsked,
  keyShown,
  keyInQuery,
  anonymous,
  headerNames,
  bearerForm,
  sameKey,
  noKeyTakenOver,
];
