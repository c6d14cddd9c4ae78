// What a Kong schema asks of several fields at once: the entity checks of kong/db/schema/init.lua
// 3.9, of a whole plugin (names begin with config.) or of one record.

import { type Bounds, faultOf } from "./field-bounds";
import { LuaError } from "./lua-value";

interface Conditional {
  if_field: string;
  if_match: Bounds;
  then_field: string;
  then_match: Bounds;
  then_err?: string;
}

export interface EntityCheck {
  only_one_of?: string[];
  at_least_one_of?: string[];
  mutually_exclusive?: string[];
  mutually_required?: string[];
  conditional?: Conditional;
}

type Check = (entity: object, argument: never) => string | undefined;

/**
 * The first thing that is wrong between the fields of a record, if anything is.
 * @throws LuaError for a kind of check that the stand-in does not know
 */
export function entityFault(checks: EntityCheck[], entity: object): string | undefined {
  for (const [kind, argument] of checks.flatMap((check) => Object.entries(check))) {
    const check = known[kind];
    if (!check) throw new LuaError(`the stand-in does not know the entity check ${kind}`);
    const fault = check(entity, argument as never);
    if (fault) return fault;
  }
  return undefined;
}

const known: Record<string, Check> = {
  only_one_of: (entity, names: string[]) =>
    filled(entity, names) === 1
      ? undefined
      : `exactly one of these fields must be non-empty: ${quoted(names)}`,
  at_least_one_of: (entity, names: string[]) =>
    filled(entity, names) > 0
      ? undefined
      : `at least one of these fields must be non-empty: ${quoted(names)}`,
  mutually_exclusive: (entity, names: string[]) =>
    filled(entity, names) <= 1
      ? undefined
      : `only one or none of these fields must be set: ${quoted(names)}`,
  mutually_required: (entity, names: string[]) =>
    [0, names.length].includes(filled(entity, names))
      ? undefined
      : `all or none of these fields must be set: ${quoted(names)}`,
  conditional(entity, { if_field, if_match, then_field, then_match, then_err }: Conditional) {
    if (!passes(if_match, memberOf(entity, if_field))) return undefined;
    if (passes(then_match, memberOf(entity, then_field))) return undefined;
    return then_err ?? `failed conditional validation given value of field '${if_field}'`;
  },
};

// A null passes all but what asks for a value.
function passes(match: Bounds, value: unknown): boolean {
  if (value !== null) return faultOf(match, value) === undefined;
  return !match.required && (match.eq === undefined || match.eq === null) && match.ne !== null;
}

function filled(entity: object, names: string[]): number {
  return names.filter((name) => !isEmpty(memberOf(entity, name))).length;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value as object).length === 0;
}

function memberOf(entity: object, name: string): unknown {
  let value: unknown = entity;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null) return null;
    value = (value as Record<string, unknown>)[part] ?? null;
  }
  return value;
}

function quoted(names: string[]): string {
  return names.map((name) => `'${name}'`).join(", ");
}
