// Which plugins a configuration runs: finds each in the dumps of the plugin server or among Kong's
// own, checks its config, and makes the runtime config that Kong would hand to it.

import { bundledPlugins, companions } from "../../kong/bundled-plugins";
import { DeclarativeError } from "../../kong/declarative-error";
import { idOf, type Scope, type ScopedPlugin, workspaceId } from "./config";
import type { EntityCheck } from "./entity-checks";
import type { LuaPlugin } from "./lua/plugins";
import { schemaOf } from "./lua-schema";
import { LuaError } from "./lua-value";
import {
  checkPlugin,
  completeConfig,
  type PluginSchema,
  type RecordSchema,
  runtimeConfig,
  SchemaFault,
  type SchemaField,
} from "./plugin-schema";

/** One entry of what `kong-llm schema` prints, as Kong's query_cmd reads it. */
export interface PluginDump {
  Name: string;
  Version: string;
  Priority: number;
  Phases: string[];
  Schema: PluginSchema;
}

export interface ConfiguredPlugin {
  name: string;
  /** kong.plugin.get_id() */
  id: string;
  priority: number;
  scope: Scope;
  kind: "key-auth" | "serverless" | "lua" | "external";
  /** For an external plugin: the phases that its server handles; for a Lua one, its functions. */
  phases: string[];
  /** With Kong's own keys mixed in: __plugin_id, __seq__, $refs, service_id, ... */
  config: Record<string, unknown>;
}

/** Where Kong finds a plugin that is not its own. */
interface PluginSources {
  /** What the plugin server dumps. */
  dumps: PluginDump[];
  /** The Lua plugin of a name. @throws LuaError when it is there and cannot be loaded */
  lua(name: string): LuaPlugin | undefined;
}

/** What a plugin of Kong's own that is not run here looks like in the log. */
type Ignored = (name: string) => void;

/**
 * The plugins in the order in which Kong runs them.
 * @throws DeclarativeError that names the plugin and the field at fault
 */
export function configurePlugins(
  plugins: ScopedPlugin[],
  sources: PluginSources,
  environment: Record<string, string | undefined>,
  ignored: Ignored,
): ConfiguredPlugin[] {
  const taken = new Set<string>();
  return plugins
    .flatMap(({ entry, scope }, index) => {
      const { name } = entry;
      const definition = definitionOf(name, sources);
      if (!definition) {
        ignored(name);
        return [];
      }
      const key = keyOf(name, scope);
      if (taken.has(key)) {
        throw new DeclarativeError(`plugin "${name}" is configured twice for the same scope`);
      }
      taken.add(key);
      const id = entry.id ?? idOf("plugins", key);
      const config = {
        ...runtimeOf(name, definition, entry.config, environment),
        ...kongKeys(id, key, scope, index + 1, entry.instance_name),
      };
      const { kind, priority, phases } = definition;
      return [{ name, id, priority, scope, kind, phases, config }];
    })
    .sort((one, other) => other.priority - one.priority || (one.name < other.name ? 1 : -1));
}

interface Definition {
  kind: ConfiguredPlugin["kind"];
  priority: number;
  phases: string[];
  config: RecordSchema;
  /** What is asked of the plugin as a whole. */
  checks?: EntityCheck[];
}

// Kong looks for a handler in Lua before it asks the plugin servers (kong.md).
function definitionOf(name: string, { dumps, lua }: PluginSources): Definition | undefined {
  const own = companions.get(name);
  if (own) {
    const { priority, fields } = own;
    const kind = name === "key-auth" ? name : "serverless";
    return { kind, priority, phases: [], config: { fields } };
  }
  if (bundledPlugins.includes(name)) return undefined;
  const inLua = loaded(name, lua);
  if (inLua) return inLua;
  const dump = dumps.find((candidate) => candidate.Name === name);
  if (!dump) {
    throw new DeclarativeError(
      `plugin '${name}' not enabled; add it to the 'plugins' configuration property`,
    );
  }
  const { Priority: priority, Phases: phases, Schema } = dump;
  return { kind: "external", priority, phases, config: configOf(name, Schema) };
}

function loaded(name: string, lua: PluginSources["lua"]): Definition | undefined {
  try {
    const plugin = lua(name);
    if (!plugin) return undefined;
    const schema = schemaOf(name, plugin.schema);
    const { priority, phases } = plugin;
    const config = configOf(name, schema);
    return { kind: "lua", priority, phases, config, checks: schema.entity_checks };
  } catch (error) {
    if (!(error instanceof LuaError)) throw error;
    throw new DeclarativeError(`plugin '${name}' cannot be loaded: ${error.message}`);
  }
}

function configOf(name: string, schema: PluginSchema): SchemaField {
  for (const field of schema.fields) if (field.config) return field.config;
  throw new DeclarativeError(`the schema of plugin '${name}' has no config record`);
}

function runtimeOf(
  name: string,
  { config: schema, checks = [] }: Definition,
  config: unknown,
  environment: Record<string, string | undefined>,
): Record<string, unknown> {
  try {
    const complete = completeConfig(schema, config);
    checkPlugin(checks, complete);
    return runtimeConfig(schema.fields ?? [], complete, environment);
  } catch (error) {
    if (!(error instanceof SchemaFault)) throw error;
    throw new DeclarativeError(`plugin "${name}": ${error.field}: ${error.fault}`);
  }
}

function keyOf(name: string, { route = "", service = "", consumer = "" }: Scope): string {
  return `plugins:${name}:${route}:${service}:${consumer}::${workspaceId}`;
}

function kongKeys(
  id: string,
  key: string,
  { route, service, consumer }: Scope,
  sequence: number,
  instanceName: string | null | undefined,
): Record<string, unknown> {
  return {
    __plugin_id: id,
    __key__: key,
    __seq__: sequence,
    __ws_id: workspaceId,
    ...(route && { route_id: route }),
    ...(service && { service_id: service }),
    ...(consumer && { consumer_id: consumer }),
    ...(instanceName && { plugin_instance_name: instanceName }),
  };
}
