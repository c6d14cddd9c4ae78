// Settings of a Kong (kong.conf, as variables of its environment or as `env` of the chart) by which it would
// not start with our plugins, or run without them.

import { clientKey } from "../../kong/client-key";
import { order } from "../../kong/order";
import type { ProcessEnvironment, Variable } from "../environment";
import { error, type Finding, type Place, warning } from "../finding";
import { didYouMean } from "../misspelling";

/** By the names of kong.conf. */
interface Settings {
  get(name: string): Variable | undefined;
  all: [name: string, Variable][];
  /** As an operator writes it here: KONG_PLUGINS, or `plugins` in values of the chart. */
  spelt(name: string): string;
  isOfChart: boolean;
}

const ours = [...Object.keys(order), clientKey.name];

/** @param environment of any process; what is no Kong with a plugin of ours has no findings */
export function kongSettingTraps(environment: ProcessEnvironment): Finding[] {
  const settings = settingsOf(environment.variables);
  const servers = words(settings.get("pluginserver_names")).map((name) =>
    name.replaceAll("_", "-"),
  );
  const enabled = words(settings.get("plugins"));
  if (![...servers, ...enabled].some((name) => ours.includes(name))) return doubledPrefix(settings);
  return [
    ...doubledPrefix(settings),
    ...enabledPlugins(settings, enabled),
    ...luaFiles(settings, enabled),
    ...servers.filter((name) => ours.includes(name)).flatMap((name) => server(settings, name)),
    ...strayServers(settings, servers),
    ...smallBuffer(settings),
    ...paidImage(environment.image),
  ];
}

function settingsOf(variables: readonly Variable[]): Settings {
  // Values of the chart are written as in kong.conf.
  const isOfChart = variables.some(({ name }) =>
    /^(?:plugins|pluginserver_\w+|database)$/.test(name),
  );
  const all = variables.map((one): [string, Variable] => [
    isOfChart ? one.name : one.name.replace(/^KONG_/, "").toLowerCase(),
    one,
  ]);
  const byName = new Map(all);
  return {
    get: (name) => byName.get(name),
    all,
    spelt: (name) => (isOfChart ? name : `KONG_${name.toUpperCase()}`),
    isOfChart,
  };
}

function words(setting: Variable | undefined): string[] {
  const names = setting?.text?.split(",") ?? [];
  return names.map((name) => name.trim()).filter((name) => name !== "");
}

/** The chart puts KONG_ before each name of its `env`. */
function doubledPrefix({ isOfChart, all }: Settings): Finding[] {
  return all
    .filter(([name]) => isOfChart && /^KONG_(?!LLM_)/.test(name))
    .map(([name, at]) => {
      const meant = name.slice("KONG_".length).toLowerCase();
      return error(at, "kong-prefix", `the chart makes KONG_${name} of it: write ${meant}`);
    });
}

function enabledPlugins({ get, spelt }: Settings, enabled: string[]): Finding[] {
  const at = get("plugins");
  if (!at || enabled.length === 0) return [];
  const found: Finding[] = [];
  if (!enabled.includes("bundled") && !enabled.includes("key-auth")) {
    const message = `names no plugin of Kong's own, such as key-auth: begin ${spelt("plugins")} with bundled`;
    found.push(error(at, "not-bundled", message));
  }
  if (
    enabled.includes("llm-gateway") &&
    !enabled.includes(clientKey.name) &&
    get("lua_package_path")
  ) {
    const message = `lacks ${clientKey.name}: Kong refuses a configuration that has it; add it`;
    found.push(warning(at, "not-enabled", message));
  }
  const odd = enabled.filter((name) => /^llm[-_]/.test(name) && !ours.includes(name));
  for (const name of odd) {
    const message = `has no plugin "${name}", and Kong does not start${didYouMean(name, ours)}`;
    found.push(error(at, "not-enabled", message));
  }
  return found;
}

/** Kong adds its own paths behind. */
function luaFiles({ get, spelt }: Settings, enabled: string[]): Finding[] {
  const path = get("lua_package_path");
  if (path?.text !== undefined && !path.text.includes("?.lua")) {
    const message = `finds no file: it is a pattern, ${path.text.replace(/[/;]+$/, "")}/?.lua;;`;
    return [error(path, "lua-package-path", message)];
  }
  const at = get("plugins");
  if (path || !at || !enabled.includes(clientKey.name) || !get("pluginserver_names")) return [];
  const message = `${clientKey.name} is Lua, which Kong does not find: set ${spelt("lua_package_path")} to DIR/?.lua;; of kong-llm install`;
  return [error(at, "lua-package-path", message)];
}

function server({ get, spelt }: Settings, name: string): Finding[] {
  const names: Place = get("pluginserver_names")!;
  const setting = (what: string) => `pluginserver_${name.replaceAll("-", "_")}_${what}`;
  const query = get(setting("query_cmd"));
  const dump = /dumps\/([\w-]+)\.json/.exec(query?.text ?? "")?.[1];
  const other =
    query && dump !== undefined && dump !== name
      ? [error(query, "query-cmd", `prints ${dump}: that of ${name} is dumps/${name}.json`)]
      : [];
  const socket = get(setting("socket"));
  if (socket) return [...unreached(socket), ...other];
  // Where the one is missing, too, both may stand in another of several files that are laid over each other.
  if (!query) return other;
  const message = `${name} has no ${spelt(setting("socket"))}: set it to the socket of kong-llm serve`;
  return [error(names, "plugin-server", message), ...other];
}

/** Kong connects to unix:PATH, and the driver to the same with `.ask` behind it. */
function unreached(socket: Variable): Finding[] {
  const path = socket.text;
  if (path === undefined || (path.startsWith("/") && !path.endsWith(".ask"))) return [];
  const todo = path.endsWith(".ask")
    ? "let it end before .ask, which the driver adds"
    : "must be the whole path of a socket, such as /run/kong-llm/kong-llm.sock";
  return [error(socket, "plugin-server", todo)];
}

/** Kong reads a dash in a server's name as an underscore, and no setting of a server that it does not have. */
function strayServers({ all, spelt }: Settings, servers: string[]): Finding[] {
  const known = servers.map((name) => name.replaceAll("-", "_"));
  return all.flatMap(([name, at]) => {
    const [, of, what] = /^pluginserver_(.+)_(socket|query_cmd|start_cmd)$/.exec(name) ?? [];
    if (of === undefined || known.includes(of)) return [];
    const dashed = of.replaceAll("-", "_");
    const todo = known.includes(dashed)
      ? `write ${spelt(`pluginserver_${dashed}_${what}`)}`
      : `name ${of} in ${spelt("pluginserver_names")}`;
    return [warning(at, "plugin-server", `is of no server, and not read: ${todo}`)];
  });
}

/** Of a container, or of a service in a Compose file. */
function paidImage(at: Variable | undefined): Finding[] {
  const minor = /(?:^|\/)kong(?:-gateway)?:3\.(\d+)/.exec(at?.text ?? "")?.[1];
  if (!at || minor === undefined || Number(minor) < 10) return [];
  return [
    error(at, "paid-kong", "Kong from 3.10 on needs a licence: the last free one is kong:3.9"),
  ];
}

const unitBytes: Record<string, number> = { "": 1, k: 1024, m: 1024 ** 2 };

function smallBuffer({ get }: Settings): Finding[] {
  const at = get("nginx_http_client_body_buffer_size");
  const [, count, unit = ""] = /^(\d+)([km]?)$/i.exec(at?.text ?? "") ?? [];
  if (!at || count === undefined) return [];
  const bytes = Number(count) * unitBytes[unit.toLowerCase()]!;
  if (bytes >= 128 * 1024) return [];
  return [warning(at, "body-buffer", `larger bodies go through a file: 1m is usual`)];
}
