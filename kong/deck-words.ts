// decK's own words in a kong.yaml, and what decK makes of them before Kong sees the file: variables of
// its environment, defaults of entities, configs that plugins share. A DB-less Kong knows none of them.

import { type Document, isScalar, parseDocument, visit } from "yaml";
import { DeclarativeError } from "./declarative-error";
import { valueIn, yaml11 } from "./yaml-1-1";

// As Go's templates take them (go-database-reconciler, template.go).
const variable =
  /\$\{\{\s*env\s+(?:"([^"]*)"|`([^`]*)`)((?:\s*\|\s*(?:toBool|toInt|toFloat|indent\s+\d+))*)\s*\}\}/g;

/** The environment variables that a kong.yaml names, in order. */
export function variablesOf(text: string): string[] {
  const found = [...text.matchAll(variable)];
  return [...new Set(found.map(([, quoted, ticked]) => (quoted ?? ticked)!))];
}

/** What a file of YAML holds at one place: names and values. */
export type Entity = Record<string, unknown>;

/**
 * The file as a DB-less Kong takes it: variables, defaults and shared configs are put in, and what only
 * decK knows is gone.
 * @throws DeclarativeError when variables are missing, or a shared config that a plugin names
 */
export function withoutDeckWords(
  document: Document,
  environment: Record<string, string | undefined>,
): Entity {
  resolveVariables(document, environment);
  const { _info, _plugin_configs, _workspace, ...file } = valueIn(document) as Entity;
  fillInDefaults(file, recordIn(recordIn(_info).defaults));
  shareConfigs(file, recordIn(_plugin_configs));
  nameServices(file);
  // Only Kong Enterprise has others.
  return _workspace === undefined || _workspace === "default" ? file : { ...file, _workspace };
}

// Values go into the parsed scalars and not into the text, so that no value can change the YAML
// around it. As with decK, an unquoted one may become a number or a boolean.
function resolveVariables(
  document: Document,
  environment: Record<string, string | undefined>,
): void {
  const missing = new Set<string>();
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== "string" || !node.value.includes("${{")) return;
      const resolved = node.value.replace(
        variable,
        (_whole, quoted: string | undefined, ticked: string, functions: string) => {
          const name = quoted ?? ticked;
          if (!name.startsWith("DECK_")) {
            throw new DeclarativeError(`"${name}" must start with DECK_, as decK demands`);
          }
          const value = environment[name];
          if (value === undefined) missing.add(name);
          return value === undefined ? "" : converted(value, functions, name);
        },
      );
      if (resolved.includes("${{")) {
        throw new DeclarativeError(
          `only \${{ env "DECK_NAME" }} is understood, with | toInt, toBool, toFloat or indent behind it: ${node.value}`,
        );
      }
      node.value = node.type === "PLAIN" ? plainValue(resolved) : resolved;
    },
  });
  if (missing.size > 0) {
    throw new DeclarativeError(`environment variables not set: ${[...missing].join(", ")}`);
  }
}

const conversions: Record<string, { takes: RegExp; what: string }> = {
  toInt: { takes: /^[+-]?\d+$/, what: "a whole number" },
  toFloat: { takes: /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i, what: "a number" },
  toBool: { takes: /^(?:true|false)$/i, what: "true or false" },
};

/** `indent` is for lines of the file, of which a value that stays in its scalar has none. */
function converted(value: string, functions: string, name: string): string {
  let text = value;
  for (const [, called] of functions.matchAll(/\|\s*(\w+)/g)) {
    const conversion = conversions[called ?? ""];
    if (!conversion) continue;
    if (!conversion.takes.test(text)) {
      throw new DeclarativeError(`${name} is not ${conversion.what}, as ${called} demands`);
    }
    if (called === "toBool") text = text.toLowerCase();
  }
  return text;
}

function plainValue(text: string): unknown {
  const { contents } = parseDocument(text, yaml11);
  return isScalar(contents) ? contents.value : text;
}

/** What an entity leaves out, from _info.defaults. */
function fillInDefaults(file: Entity, defaults: Entity): void {
  const services = entitiesIn(file.services);
  const routes = [file, ...services].flatMap((one) => entitiesIn(one.routes));
  for (const one of services) addMissing(one, recordIn(defaults.service));
  for (const one of routes) addMissing(one, recordIn(defaults.route));
}

/** Beneath the config of a plugin goes the one of _plugin_configs that it names. */
function shareConfigs(value: unknown, shared: Entity): void {
  if (typeof value !== "object" || value === null) return;
  if ("_config" in value) {
    const { _config: name } = value;
    if (typeof name !== "string" || !Object.hasOwn(shared, name)) {
      throw new DeclarativeError(`there is no "${String(name)}" in _plugin_configs`);
    }
    delete value._config;
    const own = "config" in value ? recordIn(value.config) : {};
    Object.assign(value, { config: { ...recordIn(shared[name]), ...own } });
  }
  for (const member of Object.values(value)) shareConfigs(member, shared);
}

/** decK has a record where a DB-less Kong has the name alone. */
function nameServices(file: Entity): void {
  for (const route of entitiesIn(file.routes)) {
    const { name, id } = recordIn(route.service);
    if (name !== undefined || id !== undefined) route.service = name ?? id;
  }
}

function addMissing(own: Entity, beneath: Entity): void {
  for (const [name, value] of Object.entries(beneath)) own[name] ??= value;
}

/** The items of a list that are records; of all else none. */
export function entitiesIn(list: unknown): Entity[] {
  return Array.isArray(list) ? list.filter(isEntity) : [];
}

function recordIn(value: unknown): Entity {
  return isEntity(value) ? value : {};
}

function isEntity(value: unknown): value is Entity {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
