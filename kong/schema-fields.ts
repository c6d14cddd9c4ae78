// Turns the options of a plugin (a zod object) into the fields of a Kong schema, by way of JSON
// Schema. What decK and Kong need to find no phantom difference is observed in a real Kong 3.9.3:
// records and maps carry no default of their own, an optional scalar says required: false.

import { z } from "zod";
import { luaPattern } from "./lua-pattern";

/** A field of a Kong schema (kong/db/schema, 3.9), as far as our plugins use it. */
export interface KongField {
  type: "record" | "array" | "map" | "string" | "number" | "integer" | "boolean" | "set";
  required?: boolean;
  default?: unknown;
  description?: string;
  one_of?: unknown[];
  between?: [number, number];
  gt?: number;
  len_min?: number;
  len_max?: number;
  /** A Lua pattern. */
  match?: string;
  referenceable?: boolean;
  elements?: KongField;
  keys?: KongField;
  values?: KongField;
  fields?: Record<string, KongField>[];
  entity_checks?: EntityCheck[];
}

/**
 * What a record's fields must be together, as Kong checks it when a config is synced (entity_checks of
 * kong/db/schema/metaschema.lua, 3.9): of the kinds that are data, those that our options need. Each
 * says in Kong's words what a refine beside it says in zod's; an empty text or list is none.
 */
export type EntityCheck =
  | { only_one_of: string[] }
  | { at_least_one_of: string[] }
  | { mutually_exclusive: string[] }
  | { mutually_required: string[] }
  | {
      conditional: {
        if_field: string;
        if_match: FieldMatch;
        then_field: string;
        then_match: FieldMatch;
        then_err: string;
      };
    };

type FieldMatch = { eq: string | number } | { len_min: number };

interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minItems?: number;
  maxItems?: number;
  /** From .meta({ referenceable: true }): the field takes a vault reference. */
  referenceable?: boolean;
  /** From .meta({ entity_checks }) of an object. */
  entity_checks?: EntityCheck[];
}

/** The fields of the `config` record, in the order of the options. */
export function schemaFields(options: z.ZodType): Record<string, KongField>[] {
  return fieldsOf(jsonSchema(options) as JsonSchema);
}

/** What the options must be together beyond their fields. */
export function entityChecks(options: z.ZodType): EntityCheck[] {
  return (jsonSchema(options) as JsonSchema).entity_checks ?? [];
}

/** JSON Schema of the options as they are written (defaults need not be). */
export function jsonSchema(options: z.ZodType): object {
  return z.toJSONSchema(options, { io: "input" });
}

// A field without a default that may be left out is `required: false`; a record is filled with the
// defaults of its fields, so it is required and may still be left out of a kong.yaml.
function fieldsOf(schema: JsonSchema): Record<string, KongField>[] {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const field = fieldOf(property);
    const given = schema.required?.includes(name) || field.default !== undefined;
    field.required = given || (field.type === "record" && property.default !== undefined);
    return { [name]: field };
  });
}

function fieldOf(schema: JsonSchema): KongField {
  const described = schema.description ? { description: schema.description } : {};
  switch (schema.type) {
    case "object": {
      const { properties, entity_checks } = schema;
      const checks = entity_checks ? { entity_checks } : {};
      if (properties) return { type: "record", fields: fieldsOf(schema), ...checks, ...described };
      const values = schema.additionalProperties;
      if (typeof values !== "object") throw new Error("a map option must say what its values are");
      return { type: "map", keys: { type: "string" }, values: fieldOf(values), ...described };
    }
    case "array": {
      const { items, minItems: len_min, maxItems: len_max } = schema;
      if (!items) throw new Error("an array option must say what its elements are");
      const bounds = {
        ...(len_min !== undefined && { len_min }),
        ...(len_max !== undefined && { len_max }),
      };
      const array = { type: "array", elements: fieldOf(items), ...bounds } as const;
      return { ...array, ...defaultOf(schema), ...described };
    }
    default:
      return scalar(schema, described);
  }
}

function scalar(schema: JsonSchema, described: { description?: string }): KongField {
  const { type, minimum, maximum, exclusiveMinimum, minLength, maxLength, pattern } = schema;
  if (type !== "string" && type !== "number" && type !== "integer" && type !== "boolean") {
    throw new Error(`an option of type ${type} has no Kong field`);
  }
  const field: KongField = { type, ...defaultOf(schema), ...described };
  if (schema.enum) field.one_of = schema.enum;
  if (minimum !== undefined) field.between = [minimum, maximum ?? Number.MAX_SAFE_INTEGER];
  if (exclusiveMinimum !== undefined) field.gt = exclusiveMinimum;
  // Kong refuses an empty string unless len_min says otherwise.
  if (type === "string" && !schema.enum) field.len_min = minLength ?? 0;
  if (maxLength !== undefined) field.len_max = maxLength;
  if (schema.referenceable) field.referenceable = true;
  // A secret may end with the line end of its file: it is trimmed before it is matched.
  const match = pattern && !schema.referenceable ? luaPattern(pattern) : undefined;
  if (match) field.match = match;
  return field;
}

function defaultOf(schema: JsonSchema): { default?: unknown } {
  return schema.default === undefined ? {} : { default: schema.default };
}
