// What a field of a Kong schema asks of one value, apart from what is within it: type and bounds
// (validators of kong/db/schema/init.lua 3.9).

import { matches } from "./lua/matches";
import type { SchemaField } from "./plugin-schema";

export type Bounds = Omit<SchemaField, "type"> & { type?: string };

/** What is wrong with a value that is not null, if anything is. */
export function faultOf(field: Bounds, value: unknown): string | undefined {
  return typeFault(field.type, value) ?? boundsFault(field, value);
}

function typeFault(type: string | undefined, value: unknown): string | undefined {
  const matches: Record<string, boolean> = {
    string: typeof value === "string",
    number: typeof value === "number",
    integer: Number.isInteger(value),
    boolean: typeof value === "boolean",
    array: Array.isArray(value),
    set: Array.isArray(value),
    map: typeof value === "object" && !Array.isArray(value),
  };
  if (type === undefined || matches[type] !== false) return undefined;
  return `expected ${/^[aio]/.test(type) ? "an" : "a"} ${type}`;
}

function boundsFault(field: Bounds, value: unknown): string | undefined {
  return typeof value === "number" ? numberFault(field, value) : textFault(field, value);
}

function numberFault(field: Bounds, value: number): string | undefined {
  const { between, gt } = field;
  if (between && (value < between[0] || value > between[1])) {
    return `value should be between ${between[0]} and ${between[1]}`;
  }
  if (gt !== undefined && value <= gt) return `value must be greater than ${gt}`;
  return choiceFault(field, value);
}

function textFault(field: Bounds, value: unknown): string | undefined {
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
  if (field.match && typeof value === "string" && !matches(value, field.match)) {
    return `invalid value: ${value}`;
  }
  return choiceFault(field, value);
}

function choiceFault(field: Bounds, value: unknown): string | undefined {
  if (field.eq !== undefined && field.eq !== value) return `value must be ${String(field.eq)}`;
  if (field.ne !== undefined && field.ne === value) return `value must not be ${String(field.ne)}`;
  if (field.one_of && !field.one_of.includes(value)) {
    return `expected one of: ${field.one_of.join(", ")}`;
  }
  return field.not_one_of?.includes(value)
    ? `must not be one of: ${field.not_one_of.join(", ")}`
    : undefined;
}
