// `npm run docs`: writes what is generated, in its place: the Lua of lua/*.lua into every YAML that
// carries it, each plugin's option table into its README, and what kubernetes/ takes from other files.
// A test fails when one is stale.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, isSeq, parseDocument, Scalar, visit, type YAMLMap } from "yaml";
import { z } from "zod";
import { jsonSchema } from "../kong/schema-fields";
import { snippetNames, snippet as wholeSnippet } from "../kong/snippets";
import { editorSchemas } from "../validate/editor-schema";
import { dashboardConfigMap, kongPlugins, prometheusRule } from "./generate/kubernetes";

const root = join(__dirname, "..");

/** A generated file: what it holds, and what it shall hold. */
export interface Generated {
  file: string;
  /** Empty where there is no such file yet. */
  now: string;
  wanted: string;
}

export async function generated(): Promise<Generated[]> {
  const configs = yamlFiles().map((file) => change(file, withLua));
  const readmes = await Promise.all(
    readdirSync(join(root, "plugins")).map(async (plugin) => {
      const options = await optionsOf(plugin);
      return change(join("plugins", plugin, "README.md"), (text) => withOptions(text, options));
    }),
  );
  const kongYaml = configs.find(({ file }) => file === "kong.yaml")!.wanted;
  return [...configs, ...readmes, ...kubernetesFiles(kongYaml), ...(await schemaFiles())];
}

/** What editors check kong.yaml and KongPlugins by. */
async function schemaFiles(): Promise<Generated[]> {
  const plugins = readdirSync(join(root, "plugins"));
  const options = await Promise.all(plugins.map(optionsOf));
  const schemas = editorSchemas(new Map(plugins.map((plugin, n) => [plugin, options[n]!])));
  return Object.entries(schemas).map(([file, schema]) =>
    change(join("schemas", file), () => `${JSON.stringify(schema, undefined, 2)}\n`),
  );
}

function kubernetesFiles(kongYaml: string): Generated[] {
  const source = (file: string) => readFileSync(join(root, "observability", file), "utf8");
  const wanted = {
    "base/plugins.yaml": kongPlugins(kongYaml),
    "monitoring/alerts.yaml": prometheusRule(source("prometheus/alerts.yaml")),
    "monitoring/dashboard.yaml": dashboardConfigMap(source("grafana/kong-llm.json")),
  };
  return Object.entries(wanted).map(([file, text]) => change(join("kubernetes", file), () => text));
}

/** schema.ts exports one zod object, whatever its name. */
async function optionsOf(plugin: string): Promise<z.ZodType> {
  const schema: object = await import(join(root, "plugins", plugin, "schema.ts"));
  const options = Object.values(schema).find((value) => value instanceof z.ZodType);
  if (!options) throw new Error(`plugins/${plugin}/schema.ts exports no zod object`);
  return options;
}

function change(file: string, write: (text: string) => string): Generated {
  const path = join(root, file);
  const now = existsSync(path) ? readFileSync(path, "utf8") : "";
  return { file, now, wanted: write(now) };
}

/** The YAML files in decK's format, in which Kong plugins are configured. */
function yamlFiles(): string[] {
  const examples = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" });
  const files = examples.filter((file) => file.endsWith(".yaml"));
  return ["kong.yaml", ...files.map((file) => join("examples", file))].filter((file) =>
    readFileSync(join(root, file), "utf8").includes("\n_format_version:"),
  );
}

/** Replaces each snippet that opens with `-- kong/NAME.lua` by that file, for its neighbours. */
function withLua(text: string): string {
  const document = parseDocument(text);
  visit(document, {
    Seq(_, plugins) {
      const named = plugins.items.filter(
        (item): item is YAMLMap => isMap(item) && item.has("name"),
      );
      const guards = named.map((plugin) => String(plugin.get("name"))).filter(isOurs);
      for (const plugin of named) {
        const config = plugin.get("config");
        if (isMap(config) && /^(pre|post)-function$/.test(String(plugin.get("name")))) {
          fillSnippets(config, guards);
        }
      }
    },
  });
  return document.toString({ lineWidth: 0 });
}

function isOurs(plugin: string): boolean {
  return plugin.startsWith("llm-");
}

function fillSnippets(config: YAMLMap, guards: string[]): void {
  for (const { value: snippets } of config.items) {
    if (!isSeq(snippets)) continue;
    for (const snippet of snippets.items) {
      if (!isScalar(snippet)) continue;
      const named = /^-- lua\/snippets\/([a-z-]+)\.lua/.exec(String(snippet.value))?.[1];
      const name = snippetNames.find((one) => one === named);
      if (!name) continue;
      snippet.value = wholeSnippet(name, guards);
      snippet.type = Scalar.BLOCK_LITERAL;
    }
  }
}

interface Described {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  items?: Described;
  properties?: Record<string, Described>;
}

function withOptions(readme: string, options: z.ZodType): string {
  const rows = optionRows("", jsonSchema(options) as Described);
  const table = ["| Option | Type | Default | What it does |", "|---|---|---|---|", ...rows];
  return readme.replace(
    /(<!-- options:start -->)[\s\S]*?(<!-- options:end -->)/,
    `$1\n${table.join("\n")}\n$2`,
  );
}

function optionRows(prefix: string, schema: Described): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const path = prefix + name;
    const nested = option.properties
      ? optionRows(`${path}.`, option)
      : option.items?.properties
        ? optionRows(`${path}[].`, option.items)
        : [];
    return [optionRow(path, option), ...nested];
  });
}

function optionRow(path: string, option: Described): string {
  const type = option.enum?.map((value) => `\`${value}\``).join(", ") ?? typeOf(option);
  const shown = option.type === "object" ? undefined : option.default;
  const fallback = shown === undefined ? "" : `\`${JSON.stringify(shown)}\``;
  return `| \`${path}\` | ${type} | ${fallback} | ${option.description ?? ""} |`;
}

function typeOf(option: Described): string {
  if (option.type === "object") return option.properties ? "record" : "map";
  if (option.type !== "array") return option.type ?? "";
  return `array of ${option.items?.properties ? "records" : `${option.items?.type}s`}`;
}

async function main(): Promise<void> {
  for (const { file, now, wanted } of await generated()) {
    if (now === wanted) continue;
    writeFileSync(join(root, file), wanted);
    console.log(`wrote ${file}`);
  }
}

if (require.main === module) void main();
