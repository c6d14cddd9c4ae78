// Checks a plugin's config against the schema that its plugin server dumped, and fills it as Kong
// does (kong/db/schema/init.lua 3.9): defaults, required records, resolved vault references.

import { isReference, resolveReference } from "./vault";

/** A field of a Kong schema, as far as dumps of plugins use it. */
export interface SchemaField {
  type: string;
  required?: boolean;
  default?: unknown;
  one_of?: unknown[];
  not_one_of?: unknown[];
  between?: [number, number];
  gt?: number;
  len_min?: number;
  len_max?: number;
  len_eq?: number;
  starts_with?: string;
  referenceable?: boolean;
  elements?: SchemaField;
  keys?: SchemaField;
  values?: SchemaField;
  fields?: Record<string, SchemaField>[];
}

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
 * @throws SchemaFault
 */
export function completeConfig(
  fields: Record<string, SchemaField>[],
  config: unknown,
): Record<string, unknown> {
  return record("config", fields, config ?? {});
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
  fields: Record<string, SchemaField>[],
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
  return Object.fromEntries(
    known.map(([name, field]) => [name, member(`${path}.${name}`, field, given[name])]),
  );
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
  if (field.type === "record") return record(path, field.fields ?? [], {});
  throw new SchemaFault(path, "required field missing");
}

function checked(path: string, field: SchemaField, value: unknown): unknown {
  if (field.type === "record") return record(path, field.fields ?? [], value);
  if (field.referenceable && isReference(value)) return value;
  checkType(path, field.type, value);
  checkBounds(path, field, value);
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

function checkType(path: string, type: string, value: unknown): void {
  const matches: Record<string, boolean> = {
    string: typeof value === "string",
    number: typeof value === "number",
    integer: Number.isInteger(value),
    boolean: typeof value === "boolean",
    array: Array.isArray(value),
    set: Array.isArray(value),
    map: typeof value === "object" && !Array.isArray(value),
  };
  if (matches[type] === false) {
    throw new SchemaFault(path, `expected ${/^[aio]/.test(type) ? "an" : "a"} ${type}`);
  }
}

function checkBounds(path: string, field: SchemaField, value: unknown): void {
  const fault = typeof value === "number" ? numberFault(field, value) : textFault(field, value);
  if (fault) throw new SchemaFault(path, fault);
}

function numberFault(field: SchemaField, value: number): string | undefined {
  const { between, gt } = field;
  if (between && (value < between[0] || value > between[1])) {
    return `value should be between ${between[0]} and ${between[1]}`;
  }
  if (gt !== undefined && value <= gt) return `value must be greater than ${gt}`;
  return choiceFault(field, value);
}

function textFault(field: SchemaField, value: unknown): string | undefined {
  if (typeof value !== "string" && !Array.isArray(value)) return choiceFault(field, value);
  const least = field.len_min ?? (field.type === "string" ? 1 : 0);
  if (value.length < least) return `length must be at least ${least}`;
  if (field.len_max !== undefined && value.length > field.len_max) {
    return `length must be at most ${field.len_max}`;
  }
  if (field.len_eq !== undefined && value.length !== field.len_eq) {
    return `length must be ${field.len_eq}`;
  }
  if (field.starts_with && typeof value === "string" && !value.startsWith(field.starts_with)) {
    return `should start with: ${field.starts_with}`;
  }
  return choiceFault(field, value);
}

function choiceFault(field: SchemaField, value: unknown): string | undefined {
  if (field.one_of && !field.one_of.includes(value)) {
    return `expected one of: ${field.one_of.join(", ")}`;
  }
  return field.not_one_of?.includes(value)
    ? `must not be one of: ${field.not_one_of.join(", ")}`
    : undefined;
}
