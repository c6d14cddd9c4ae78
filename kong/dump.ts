// What Kong reads of a plugin when it starts: the output of pluginserver_<name>_query_cmd.

const protocols = ["grpc", "grpcs", "http", "https"];

export interface PluginDescription {
  name: string;
  version: string;
  priority: number;
  phases: string[];
  /** The fields of the config record, as Kong's schemas have them. */
  schema: Record<string, unknown>[];
  /** What they must be together, as Kong's entity_checks. */
  checks?: readonly object[];
}

export interface PluginDump {
  Name: string;
  Version: string;
  Priority: number;
  Phases: string[];
  Schema: { name: string; fields: Record<string, object>[] };
}

/** One entry of the JSON array that Kong expects (kong/runloop/plugin_servers/process.lua, 3.9). */
export function dump(plugin: PluginDescription): PluginDump {
  const { name, version, priority, phases, schema, checks = [] } = plugin;
  return {
    Name: name,
    Version: version,
    Priority: priority,
    Phases: phases,
    Schema: {
      name,
      fields: [
        // Kong adds protocols by itself, but decK then finds a difference at every diff.
        {
          protocols: {
            type: "set",
            required: true,
            default: protocols,
            elements: { type: "string", one_of: protocols },
          },
        },
        {
          config: {
            ...{ type: "record", fields: schema },
            ...(checks.length > 0 && { entity_checks: checks }),
          },
        },
      ],
    },
  };
}
