// JSON Schemas for editors: completion, descriptions and red lines while kong.yaml or a KongPlugin is
// written. What they cannot know (traps between entities), `kong-llm validate` finds.

import type { z } from "zod";
import { entityFields, topLevelFields } from "../kong/entity-fields";
import { jsonSchema } from "../kong/schema-fields";

type Schema = Record<string, unknown>;

const draft = "https://json-schema.org/draft/2020-12/schema";

/** By file name. @param plugins the zod object of each of our plugins */
export function editorSchemas(plugins: ReadonlyMap<string, z.ZodType>): Record<string, Schema> {
  const configs = new Map(
    [...plugins].map(([name, options]) => [name, closed(jsonSchema(options)) as Schema]),
  );
  return {
    "kong.schema.json": declarativeSchema(configs),
    "kongplugin.schema.json": kongPluginSchema(configs),
  };
}

function declarativeSchema(configs: ReadonlyMap<string, Schema>): Schema {
  const listOf = (name: string) => ({ type: "array", items: { $ref: `#/$defs/${name}` } });
  const entity = (name: string, lists: Schema) =>
    fieldsOnly(entityFields[name] ?? [], { plugins: listOf("plugin"), ...lists });
  return {
    $schema: draft,
    title: "Kong's declarative configuration with the LLM plugins",
    ...fieldsOnly(topLevelFields, {
      services: listOf("service"),
      routes: listOf("route"),
      consumers: listOf("consumer"),
      plugins: listOf("plugin"),
    }),
    required: ["_format_version"],
    $defs: {
      service: entity("service", { routes: listOf("route") }),
      route: entity("route", {}),
      consumer: entity("consumer", {}),
      plugin: {
        ...fieldsOnly(entityFields.plugin ?? [], { name: { type: "string" } }),
        required: ["name"],
        allOf: [...configs].map(([name, config]) => whenNamed("name", name, config)),
      },
    },
  };
}

function kongPluginSchema(configs: ReadonlyMap<string, Schema>): Schema {
  return {
    $schema: draft,
    title: "A KongPlugin or KongClusterPlugin with the config of an LLM plugin",
    type: "object",
    properties: { plugin: { type: "string" } },
    required: ["apiVersion", "kind", "metadata", "plugin"],
    allOf: [...configs].map(([name, config]) => whenNamed("plugin", name, config)),
  };
}

/** Fields that Kong knows, most of which may hold anything. */
function fieldsOnly(names: string[], known: Schema): Schema {
  const properties = Object.fromEntries(names.map((name) => [name, known[name] ?? {}]));
  return { type: "object", properties, additionalProperties: false };
}

function whenNamed(field: string, name: string, config: Schema): Schema {
  return {
    if: { properties: { [field]: { const: name } }, required: [field] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
    then: { properties: { config } },
  };
}

// Kong refuses options that do not exist, so an editor shall too.
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  // What is in Kong's words means nothing to an editor; `kong-llm validate` says the same.
  const { $schema: _, entity_checks: __, ...members } = schema as Schema;
  const inner = Object.fromEntries(
    Object.entries(members).map(([name, member]) => [name, closed(member)]),
  );
  return typeof inner.properties === "object" && inner.type === "object"
    ? { ...inner, additionalProperties: false }
    : inner;
}
