// Checks the options of one of our plugins against its zod object: first for names that do not
// exist, then for values that are not allowed; and says what is.

import type { z } from "zod";
import { jsonSchema } from "../kong/schema-fields";
import { error, type Finding } from "./finding";
import type { Located } from "./located";
import { didYouMean } from "./misspelling";

/** What JSON Schema says of an option. */
interface Allowed {
  type?: string;
  properties?: Record<string, Allowed>;
  required?: string[];
  items?: Allowed;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  /** It takes a vault reference, and so may hold a secret. */
  referenceable?: boolean;
}

/** @param plugin its name, for messages */
export function optionFindings(plugin: string, options: z.ZodType, config: Located): Finding[] {
  const schema = jsonSchema(options) as Allowed;
  return [...unknownOptions(plugin, schema, config), ...badValues(options, schema, config)];
}

function unknownOptions(plugin: string, schema: Allowed, at: Located): Finding[] {
  if (schema.items) {
    return at.items().flatMap((item) => unknownOptions(plugin, schema.items!, item));
  }
  const { properties } = schema;
  if (!properties) return [];
  return at.members().flatMap(([name, member]) => {
    const option = properties[name];
    if (option?.type === "object" && member.value === null) {
      return [
        error(member, "null-record", "is null, which Kong refuses for a record: leave it out"),
      ];
    }
    if (option) return unknownOptions(plugin, option, member);
    const names = Object.keys(properties);
    const there = names.length > 9 ? "; its README lists them" : `: there are ${names.join(", ")}`;
    const meant = didYouMean(name, names) || there;
    return [error(member, "unknown-option", `is no option of ${plugin}${meant}`)];
  });
}

function badValues(options: z.ZodType, schema: Allowed, config: Located): Finding[] {
  // Of an environment variable the value is not known before decK puts it in.
  const result = options.safeParse(withoutNulls(config.value) ?? {});
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    const at = config.at(issue.path);
    if (at.text?.includes("${{")) return [];
    const allowed = schemaAt(schema, issue.path);
    return [error(at, "bad-value", sentence(issue, allowed, at))];
  });
}

function sentence(issue: z.core.$ZodIssue, allowed: Allowed | undefined, at: Located): string {
  const last = String(issue.path.at(-1) ?? "");
  const isMissing = issue.code === "invalid_type" && issue.input === undefined;
  if (isMissing && !at.field.endsWith(last)) return `needs ${last}, ${describe(allowed)}`;
  if (issue.code === "custom" || issue.code === "invalid_format") return issue.message;
  const meant = at.text && allowed?.enum ? didYouMean(at.text, allowed.enum.map(String)) : "";
  return `must be ${describe(allowed)}, not ${shown(at.value, allowed)}${meant}`;
}

function describe(allowed: Allowed | undefined): string {
  if (!allowed) return "another value";
  if (allowed.enum) return `one of ${allowed.enum.map((one) => `"${one}"`).join(", ")}`;
  const { type, minimum, maximum, minLength = 0, maxLength } = allowed;
  switch (type) {
    case "integer":
    case "number": {
      const kind = type === "integer" ? "a whole number" : "a number";
      if (minimum === undefined) return kind;
      return maximum === undefined
        ? `${kind} from ${minimum}`
        : `${kind} from ${minimum} to ${maximum}`;
    }
    case "string":
      if (maxLength === undefined) return minLength > 0 ? "a text that is not empty" : "a text";
      return `a text of ${minLength} to ${maxLength} characters`;
    case "boolean":
      return "true or false";
    case "array":
      return "a list";
    default:
      return "a record";
  }
}

/** The value as a message may repeat it: never one that can be a secret. */
function shown(value: unknown, allowed: Allowed | undefined): string {
  // A text where a text belongs is wrong in a way that need not be shown, and may be a key.
  const isText = allowed?.type === "string" && !allowed.enum && typeof value === "string";
  if (allowed?.referenceable || isText) return "this one";
  if (typeof value === "string") return `the text "${value.slice(0, 40)}"`;
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a record" : String(value);
}

function schemaAt(schema: Allowed, path: readonly PropertyKey[]): Allowed | undefined {
  let here: Allowed | undefined = schema;
  for (const step of path) {
    here = typeof step === "number" ? here?.items : here?.properties?.[String(step)];
  }
  return here;
}

// By an explicit null Kong says "not set".
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  );
}
