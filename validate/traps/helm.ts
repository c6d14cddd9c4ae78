// Values of the Kong chart that work against the plugins, or open what must stay closed.

import { error, type Finding, warning } from "../finding";
import type { Located } from "../located";

/**
 * @param document any; what holds no values of the Kong chart has no findings
 * @param areTriesWanted by objects beside it, which the Ingress Controller reads
 */
export function helmTraps(document: Located, areTriesWanted: boolean): Finding[] {
  return valuesIn(document).flatMap((values) => {
    const env = values.get("env")!;
    return [
      ...openAdmin(values),
      ...paidKong(values),
      ...spawnedServer(env),
      ...notEnabled(values, env),
      ...smallBodies(env),
      ...lockedLua(env),
      ...triesNotMade(values, env, areTriesWanted),
    ];
  });
}

/**
 * Those of the chart itself, or beneath the name that a parent chart gives it: kong, gateway, ingress; and
 * in objects by which Flux and Argo CD install it. The `env` of a container is a list.
 */
function valuesIn(document: Located): Located[] {
  return [...document.all()].filter(
    (at) =>
      at.get("env")?.isMap &&
      (at.get("image") ?? at.get("proxy") ?? at.get("plugins")) !== undefined,
  );
}

function openAdmin(values: Located): Finding[] {
  const at = values.get("admin")?.get("enabled");
  return at?.value === true
    ? [error(at, "admin-open", "the Admin API gets a Service: set it to false")]
    : [];
}

function paidKong(values: Located): Finding[] {
  const at = values.get("image")?.get("tag");
  // Without quotes YAML makes 3.1 of 3.10.
  const isCut = at?.value === 3.1;
  const minor = /^3\.(\d+)/.exec(String(at?.value ?? ""))?.[1];
  if (!at || minor === undefined || (Number(minor) < 10 && !isCut)) return [];
  return [error(at, "paid-kong", 'Kong from 3.10 on needs a licence: the last free one is "3.9"')];
}

/** Kong then answers GET / of its Admin API with 500, which the Ingress Controller asks. */
function spawnedServer(env: Located): Finding[] {
  return env
    .members()
    .filter(([name]) => /^pluginserver_\w+_start_cmd$/.test(name))
    .map(([, at]) =>
      error(
        at,
        "spawned-server",
        "run the plugin server as a sidecar: the Ingress Controller fails with a spawned one",
      ),
    );
}

/** A plugin server that Kong knows, whose plugin it does not. */
function notEnabled(values: Located, env: Located): Finding[] {
  const servers = env.get("pluginserver_names");
  const enabled = [values.get("plugins")?.get("preInstalled"), env.get("plugins")]
    .flatMap((at) => at?.text?.split(",") ?? [])
    .map((name) => name.trim());
  return (servers?.text?.split(",") ?? [])
    .map((name) => name.trim().replaceAll("_", "-"))
    .filter((name) => name.startsWith("llm-") && !enabled.includes(name))
    .map((name) =>
      error(servers!, "not-enabled", `${name} has a server, but is not in plugins.preInstalled`),
    );
}

function smallBodies(env: Located): Finding[] {
  const servers = env.get("pluginserver_names");
  if (!servers?.text?.includes("llm") || env.get("nginx_http_client_body_buffer_size")) return [];
  return [
    warning(
      servers,
      "body-buffer",
      "bodies over 8 KB go through a file: set nginx_http_client_body_buffer_size: 1m",
    ),
  ];
}

/** Our Lua files are none that Kong distrusts; the snippets are. */
function lockedLua(env: Located): Finding[] {
  if (env.get("lua_package_path")) return [];
  const at = env.get("untrusted_lua");
  const off = at?.text === "off" || at?.value === false;
  return at && off
    ? [
        error(
          at,
          "lua-off",
          'pre- and post-function do not run: set lua_package_path to our Lua files, or this to "sandbox"',
        ),
      ]
    : [];
}

/** The values hold the configuration as a text, or objects that the Ingress Controller reads. */
function triesNotMade(values: Located, env: Located, areWantedBeside: boolean): Finding[] {
  const embedded = [...values.all()].flatMap((at) => at.embedded());
  const within = [values, ...embedded].flatMap((one) => [...one.all()]);
  // A Kong that runs no plugin of ours beside one that does.
  const isOurs = env.get("pluginserver_names")?.text?.includes("llm") ?? false;
  if (!within.some(wantsTries) && !(isOurs && areWantedBeside)) return [];
  const at = env.get("nginx_proxy_proxy_next_upstream");
  const words = at?.text?.split(/\s+/) ?? [];
  if (words.includes("http_429") && words.includes("non_idempotent")) return [];
  const todo =
    'set nginx_proxy_proxy_next_upstream: "error http_429 http_502 http_503 non_idempotent"';
  return [warning(at ?? env, "tries-not-made", `Kong makes no second tries: ${todo}`)];
}

function wantsTries(at: Located): boolean {
  const most = at.get("second_tries")?.get("most")?.value;
  return typeof most === "number" && most > 0;
}
