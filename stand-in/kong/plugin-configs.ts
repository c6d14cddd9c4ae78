// Which plugins a configuration runs: finds each in the dumps of the plugin server or among Kong's
// own, checks its config, and makes the runtime config that Kong would hand to it.

import { DeclarativeError } from "../../kong/declarative";
import { idOf, type Scope, type ScopedPlugin, workspaceId } from "./config";
import { completeConfig, runtimeConfig, SchemaFault, type SchemaField } from "./plugin-schema";

/** One entry of what `kong-llm schema` prints, as Kong's query_cmd reads it. */
export interface PluginDump {
  Name: string;
  Version: string;
  Priority: number;
  Phases: string[];
  Schema: { name: string; fields: Record<string, SchemaField>[] };
}

export interface ConfiguredPlugin {
  name: string;
  /** kong.plugin.get_id() */
  id: string;
  priority: number;
  scope: Scope;
  kind: "key-auth" | "serverless" | "external";
  /** For an external plugin: the phases that its server handles. */
  phases: string[];
  /** With Kong's own keys mixed in: __plugin_id, __seq__, $refs, service_id, ... */
  config: Record<string, unknown>;
}

/** What a plugin of Kong's own that is not run here looks like in the log. */
export type Ignored = (name: string) => void;

interface BundledPlugin {
  kind: "key-auth" | "serverless";
  priority: number;
  fields: Record<string, SchemaField>[];
}

const flag = (initial: boolean): SchemaField => ({
  type: "boolean",
  required: true,
  default: initial,
});

const snippets: SchemaField = {
  type: "array",
  required: true,
  default: [],
  elements: { type: "string" },
};
const serverless = ["certificate", "rewrite", "access", "header_filter", "body_filter", "log"].map(
  (phase) => ({ [phase]: snippets }),
);

// Priorities and schemas: kong/plugins/*/handler.lua and schema.lua 3.9.
const run: Record<string, BundledPlugin> = {
  "pre-function": { kind: "serverless", priority: 1_000_000, fields: serverless },
  "post-function": { kind: "serverless", priority: -1000, fields: serverless },
  "key-auth": {
    kind: "key-auth",
    priority: 1250,
    fields: [
      {
        key_names: {
          type: "array",
          required: true,
          default: ["apikey"],
          elements: { type: "string" },
        },
      },
      { hide_credentials: flag(false) },
      { anonymous: { type: "string" } },
      { key_in_header: flag(true) },
      { key_in_query: flag(true) },
      { key_in_body: flag(false) },
      { run_on_preflight: flag(true) },
      { realm: { type: "string" } },
    ],
  },
};

// kong/constants.lua 3.9, without those above.
const otherBundled = new Set(
  `jwt acl correlation-id cors oauth2 tcp-log udp-log file-log http-log hmac-auth basic-auth
  ip-restriction request-transformer response-transformer request-size-limiting rate-limiting
  response-ratelimiting syslog loggly datadog ldap-auth statsd bot-detection aws-lambda
  request-termination prometheus proxy-cache session acme grpc-gateway grpc-web azure-functions
  zipkin opentelemetry ai-proxy ai-prompt-decorator ai-prompt-template ai-prompt-guard
  ai-request-transformer ai-response-transformer standard-webhooks redirect`.split(/\s+/),
);

/**
 * The plugins in the order in which Kong runs them.
 * @throws DeclarativeError that names the plugin and the field at fault
 */
export function configurePlugins(
  plugins: ScopedPlugin[],
  dumps: PluginDump[],
  environment: Record<string, string | undefined>,
  ignored: Ignored,
): ConfiguredPlugin[] {
  const taken = new Set<string>();
  return plugins
    .flatMap(({ entry, scope }, index) => {
      const { name } = entry;
      const definition = definitionOf(name, dumps);
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
        ...runtimeOf(name, definition.fields, entry.config, environment),
        ...kongKeys(id, key, scope, index + 1, entry.instance_name),
      };
      const { kind, priority, phases } = definition;
      return [{ name, id, priority, scope, kind, phases, config }];
    })
    .sort((one, other) => other.priority - one.priority || (one.name < other.name ? 1 : -1));
}

function definitionOf(name: string, dumps: PluginDump[]) {
  const own = run[name];
  if (own) return { ...own, phases: [] };
  if (otherBundled.has(name)) return undefined;
  const dump = dumps.find((candidate) => candidate.Name === name);
  if (!dump) {
    throw new DeclarativeError(
      `plugin '${name}' not enabled; add it to the 'plugins' configuration property`,
    );
  }
  return {
    kind: "external" as const,
    priority: dump.Priority,
    phases: dump.Phases,
    fields: configFields(dump),
  };
}

function configFields(dump: PluginDump): Record<string, SchemaField>[] {
  for (const field of dump.Schema.fields) if (field.config) return field.config.fields ?? [];
  throw new DeclarativeError(`the dump of plugin '${dump.Name}' has no config record`);
}

function runtimeOf(
  name: string,
  fields: Record<string, SchemaField>[],
  config: unknown,
  environment: Record<string, string | undefined>,
): Record<string, unknown> {
  try {
    return runtimeConfig(fields, completeConfig(fields, config), environment);
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
