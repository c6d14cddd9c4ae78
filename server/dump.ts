// What Kong reads of a plugin when it starts: the output of pluginserver_<name>_query_cmd.

import type { LoadedPlugin } from "./plugins";

const protocols = ["grpc", "grpcs", "http", "https"];

/** One entry of the JSON array that Kong expects (kong/runloop/plugin_servers/process.lua, 3.9). */
export function dump({ name, version, priority, phases, schema }: LoadedPlugin): object {
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
        { config: { type: "record", fields: schema } },
      ],
    },
  };
}
