// Checks a plugin's config against its schema, and fills it as Kong does
// (kong/db/schema/init.lua 3.9): defaults, required records, resolved vault references.

import type { KongField } from "../../kong/schema-fields";
import { type EntityCheck, entityFault } from "./entity-checks";
import { faultOf } from "./field-bounds";
import { isReference, resolveReference } from "./vault";

type Nested = "elements" | "keys" | "values" | "fields";

/** A field of any plugin's schema: what ours use, and what others may say beyond it. */
export interface SchemaField extends Omit<KongField, "type" | "entity_checks" | Nested> {
  type: string;
  eq?: unknown;
  ne?: unknown;
  not_one_of?: unknown[];
  len_eq?: number;
  starts_with?: string;
  elements?: SchemaField;
  keys?: SchemaField;
  values?: SchemaField;
  fields?: Record<string, SchemaField>[];
  entity_checks?: EntityCheck[];
}

/** A plugin's schema: a dump's, or what a schema.lua returns. */
export interface PluginSchema {
  name: string;
  fields: Record<string, SchemaField>[];
  entity_checks?: EntityCheck[];
}

export type RecordSchema = Pick<SchemaField, "fields" | "entity_checks">;

/** The first thing wrong with a config: which field, and what. */
export class SchemaFault extends Error {
  constructor(
    readonly field: string,
    readonly fault: string,
  ) {
    super(`${field}: ${fault}`);
  }
}

/**
 * A config as Kong stores it: checked, with its defaults, references still in place.
 * @param schema the fields of the config record, and what is asked of several of them at once
 * @throws SchemaFault
 */
export function completeConfig(schema: RecordSchema, config: unknown): Record<string, unknown> {
  return record("config", schema, config ?? {});
}

/** Checks what a schema asks of the plugin as a whole. @throws SchemaFault */
export function checkPlugin(checks: EntityCheck[], config: Record<string, unknown>): void {
  const fault = entityFault(checks, { config });
  if (fault) throw new SchemaFault("config", fault);
}

/** A config as Kong hands it to a plugin: nulls gone, references resolved, `$refs` beside them. */
export function runtimeConfig(
  fields: Record<string, SchemaField>[],
  config: Record<string, unknown>,
  environment: Record<string, string | undefined>,
): Record<string, unknown> {
  const runtime: Record<string, unknown> = {};
  const references: Record<string, unknown> = {};
  for (const [name, field] of entriesOf(fields)) {
    const value = config[name];
    if (value === null || value === undefined) continue;
    const found = referencesIn(field, value);
    if (found !== undefined) references[name] = found;
    runtime[name] = runtimeValue(field, value, environment);
  }
  if (Object.keys(references).length > 0) runtime.$refs = references;
  return runtime;
}

function runtimeValue(
  field: SchemaField,
  value: unknown,
  environment: Record<string, string | undefined>,
): unknown {
  if (field.type === "record") {
    return runtimeConfig(field.fields ?? [], value as Record<string, unknown>, environment);
  }
  if (Array.isArray(value) && field.elements) {
    return value.map((item) => runtimeValue(field.elements!, item, environment));
  }
  if (field.type === "map" && field.values) {
    const members = Object.entries(value as object);
    return Object.fromEntries(
      members.map(([name, member]) => [name, runtimeValue(field.values!, member, environment)]),
    );
  }
  if (!field.referenceable || !isReference(value)) return value;
  return resolveReference(value, environment);
}

function referencesIn(field: SchemaField, value: unknown): unknown {
  if (field.referenceable && isReference(value)) return value;
  if (Array.isArray(value) && field.elements?.referenceable && value.some(isReference)) {
    return value.map((item) => (isReference(item) ? item : null));
  }
  if (field.type === "map" && field.values?.referenceable) {
    const found = Object.entries(value as object).filter(([, member]) => isReference(member));
    return found.length > 0 ? Object.fromEntries(found) : undefined;
  }
  return undefined;
}

function entriesOf(fields: Record<string, SchemaField>[]): [string, SchemaField][] {
  return fields.flatMap((field) => Object.entries(field));
}

function record(
  path: string,
  { fields = [], entity_checks = [] }: RecordSchema,
  value: unknown,
): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SchemaFault(path, "expected a record");
  }
  const known = entriesOf(fields);
  for (const name of Object.keys(value)) {
    if (!known.some(([field]) => field === name)) {
      throw new SchemaFault(`${path}.${name}`, "unknown field");
    }
  }
  const given = value as Record<string, unknown>;
  const whole = Object.fromEntries(
    known.map(([name, field]) => [name, member(`${path}.${name}`, field, given[name])]),
  );
  const fault = entityFault(entity_checks, whole);
  if (fault) throw new SchemaFault(path, fault);
  return whole;
}

// A record of a plugin's schema is required unless it says otherwise (kong.md).
function member(path: string, field: SchemaField, value: unknown): unknown {
  const isRequired = field.required ?? field.type === "record";
  if (value === null && isRequired) throw new SchemaFault(path, "required field missing");
  if (value !== undefined && value !== null) return checked(path, field, value);
  if (value === undefined && field.default !== undefined) {
    return checked(path, field, structuredClone(field.default));
  }
  if (!isRequired) return null;
  if (field.type === "record") return record(path, field, {});
  throw new SchemaFault(path, "required field missing");
}

function checked(path: string, field: SchemaField, value: unknown): unknown {
  if (field.type === "record") return record(path, field, value);
  if (field.referenceable && isReference(value)) return value;
  const fault = faultOf(field, value);
  if (fault) throw new SchemaFault(path, fault);
  if (Array.isArray(value) && field.elements) {
    return value.map((item, index) => checked(`${path}[${index + 1}]`, field.elements!, item));
  }
  if (field.type === "map") return map(path, field, value as Record<string, unknown>);
  return value;
}

function map(path: string, field: SchemaField, value: Record<string, unknown>): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (field.keys) checked(`${path}.${name}`, field.keys, name);
      return [name, field.values ? checked(`${path}.${name}`, field.values, item) : item];
    }),
  );
}
