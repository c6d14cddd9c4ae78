// Checks the options of one of our plugins by what the plugin itself says of them: names that do not
// exist, values that are not allowed, and where all are, the mistakes that they hold together.

import type { z } from "zod";
import { jsonSchema } from "../kong/schema-fields";
import type { Mistake } from "../stages/mistake";
import { error, type Finding } from "./finding";
import type { Located } from "./located";
import { didYouMean } from "./misspelling";

/** What JSON Schema says of an option. */
interface Allowed {
  type?: string;
  properties?: Record<string, Allowed>;
  /** What all members of a map are, whatever their names; false where it has no others. */
  additionalProperties?: Allowed | false;
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

/** What a plugin of ours says of its options (kong/define-plugin.ts). */
export interface CheckedPlugin {
  Options: z.ZodType;
  /** @param options as Options has parsed them */
  mistakesIn(options: unknown): Mistake[];
}

/** @param name of the plugin, for messages */
export function optionFindings(name: string, plugin: CheckedPlugin, config: Located): Finding[] {
  const schema = jsonSchema(plugin.Options) as Allowed;
  const parsed = plugin.Options.safeParse(knownValues(config.value) ?? {});
  return [
    ...unknownOptions(name, schema, config),
    ...unresolved(schema, config),
    ...(parsed.success
      ? mistakes(plugin.mistakesIn(parsed.data), config)
      : badValues(parsed.error.issues, schema, config)),
  ];
}

/** What of a value is not as the schema has it; members that the schema does not name are none of its. */
export function valueFindings(schema: z.ZodType, at: Located): Finding[] {
  const parsed = schema.safeParse(knownValues(at.value));
  return parsed.success ? [] : badValues(parsed.error.issues, jsonSchema(schema) as Allowed, at);
}

/** Those of what is written: a default of ours is no mistake of an operator's. */
function mistakes(found: Mistake[], config: Located): Finding[] {
  return found.flatMap(({ path, severity, rule, message }) => {
    const at = config.find(path);
    return at ? [{ ...error(at, rule, message), severity }] : [];
  });
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
    const meant = didYouMean(name, names) || listed(names);
    return [error(member, "unknown-option", `is no option of ${plugin}${meant}`)];
  });
}

/** Kong resolves references in the options that are made for secrets, and leaves all others as they are. */
function unresolved(schema: Allowed, at: Located): Finding[] {
  if (schema.items) return at.items().flatMap((item) => unresolved(schema.items!, item));
  const { type, properties, referenceable } = schema;
  if (properties) {
    return at
      .members()
      .flatMap(([name, member]) => (properties[name] ? unresolved(properties[name], member) : []));
  }
  if (type !== "string" || referenceable || !/^\{vault:\/\/.*\}$/.test(at.text ?? "")) return [];
  const message = "takes no vault reference: Kong would leave it as it is; write the value";
  return [error(at, "vault-reference", message)];
}

function listed(names: string[]): string {
  if (names.length === 0) return ", which has none";
  return names.length > 9 ? "; its README lists them" : `: there are ${names.join(", ")}`;
}

function badValues(issues: z.core.$ZodIssue[], schema: Allowed, config: Located): Finding[] {
  return issues.flatMap((issue) => {
    const at = config.at(issue.path);
    const allowed = schemaAt(schema, issue.path);
    // Of a variable the value is not known before decK puts it in.
    if (at.isVariable) return inQuotes(at, allowed);
    const isMissing = issue.code === "invalid_type" && !config.find(issue.path);
    const name = String(issue.path.at(-1));
    return [
      error(
        at,
        "bad-value",
        isMissing ? `needs ${name}, ${describe(allowed)}` : sentence(issue, allowed, at),
      ),
    ];
  });
}

/** decK leaves the quotes where they are, and Kong takes no text for a number. */
function inQuotes(at: Located, allowed: Allowed | undefined): Finding[] {
  if (at.isPlain || !["integer", "number", "boolean"].includes(allowed?.type ?? "")) return [];
  const message = `must be ${describe(allowed)}, and a variable in quotes is a text: take the quotes away`;
  return [error(at, "bad-value", message)];
}

function sentence(issue: z.core.$ZodIssue, allowed: Allowed | undefined, at: Located): string {
  // Braces without quotes are a map of YAML.
  if (allowed?.type === "string" && at.members().some(([name]) => /^\{?vault:/.test(name))) {
    return 'must be a text: put the reference in quotes, as in "{vault://env/name}"';
  }
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
  const isText = typeof value === "string";
  if (allowed?.referenceable || (isText && allowed?.type === "string" && !allowed.enum)) {
    return "this one";
  }
  // So may one in the place of a list of keys, or of a record with a key.
  if (isText && ["array", "object"].includes(allowed?.type ?? "object")) return "a text";
  if (isText) return `the text "${value.slice(0, 40)}"`;
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "a record" : String(value);
}

function schemaAt(schema: Allowed, path: readonly PropertyKey[]): Allowed | undefined {
  let here: Allowed | undefined = schema;
  for (const step of path) {
    here = typeof step === "number" ? here?.items : memberOf(here, String(step));
  }
  return here;
}

function memberOf(schema: Allowed | undefined, name: string): Allowed | undefined {
  return schema?.properties?.[name] ?? (schema?.additionalProperties || undefined);
}

// By an explicit null Kong says "not set"; a variable of decK is a value that another puts in, as a
// vault's is.
function knownValues(value: unknown): unknown {
  if (typeof value === "string" && value.includes("${{")) {
    return `{vault://deck/${encodeURIComponent(value)}}`;
  }
  if (Array.isArray(value)) return value.map(knownValues);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, knownValues(member)]),
  );
}
