// `npm run docs`: writes what is generated, in its place: the Lua of lua/*.lua into every YAML that
// carries it, the tables of options, the pages of answers and metrics, the schemas for editors, and what
// kubernetes/ takes from other files. A test fails when one is stale.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, isScalar, isSeq, parseDocument, Scalar, visit, type YAMLMap } from "yaml";
import { z } from "zod";
import { clientKey } from "../kong/client-key";
import { snippetNames, snippet as wholeSnippet } from "../kong/snippets";
import { redisOptions } from "../redis/options";
import { editorSchemas } from "../validate/editor-schema";
import { dashboardConfigMap, kongPlugins, prometheusRule } from "./generate/kubernetes";
import { metricsPage, registeredMetrics } from "./generate/metrics";
import { type Page, withOptions } from "./generate/option-table";
import { withRecognisers } from "./generate/recognisers";
import { answersPage, refusals } from "./generate/refusals";

const root = join(__dirname, "..");

/** A generated file: what it holds, and what it shall hold. */
interface Generated {
  file: string;
  /** Empty where there is no such file yet. */
  now: string;
  wanted: string;
}

export async function generated(): Promise<Generated[]> {
  const configs = yamlFiles().map((file) => change(file, withLua));
  const kongYaml = configs.find(({ file }) => file === "kong.yaml")!.wanted;
  const plugins = readdirSync(join(root, "plugins"));
  const options = await Promise.all(plugins.map(optionsOf));
  const byPlugin = new Map(plugins.map((plugin, n) => [plugin, options[n]!]));
  return [
    ...configs,
    ...optionTables(byPlugin),
    ...(await pages()),
    ...kubernetesFiles(kongYaml),
    ...schemaFiles(new Map([...byPlugin, [clientKey.name, clientKey.Options]])),
  ];
}

function optionTables(plugins: ReadonlyMap<string, z.ZodType>): Generated[] {
  const redis = { options: redisOptions, link: "../../docs/redis.md" };
  const neighbours: Page[] = [...plugins].map(([plugin, options]) => {
    return { options, link: `../${plugin}/README.md#options` };
  });
  const readmes = [...plugins].map(([plugin, options]) =>
    change(join("plugins", plugin, "README.md"), (text) =>
      withOptions(text, options, [redis, ...neighbours]),
    ),
  );
  return [...readmes, change("docs/redis.md", (text) => withOptions(text, redisOptions, []))];
}

async function pages(): Promise<Generated[]> {
  const metrics = await registeredMetrics();
  return [
    change("docs/answers.md", () => answersPage(refusals(root))),
    change("docs/metrics.md", () => metricsPage(metrics)),
    change("docs/privacy.md", (text) =>
      withRecognisers(text, ["Recogniser", "In the corpus", "Precision", "Recall"]),
    ),
    change("docs/privacy.ko.md", (text) =>
      withRecognisers(text, ["인식기", "말뭉치의 개수", "정밀도", "재현율"]),
    ),
  ];
}

/** What editors check kong.yaml and KongPlugins by. */
function schemaFiles(plugins: ReadonlyMap<string, z.ZodType>): Generated[] {
  return Object.entries(editorSchemas(plugins)).map(([file, schema]) =>
    change(join("schemas", file), () => `${JSON.stringify(schema, undefined, 2)}\n`),
  );
}

function kubernetesFiles(kongYaml: string): Generated[] {
  const source = (file: string) => readFileSync(join(root, "observability", file), "utf8");
  const wanted = {
    "base/plugins.yaml": kongPlugins(kongYaml),
    "monitoring/alerts.yaml": prometheusRule("alerts.yaml", source("prometheus/alerts.yaml")),
    "monitoring/slo.yaml": prometheusRule(
      "slo.yaml",
      source("prometheus/slo.yaml"),
      "kong-llm-slo",
    ),
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

async function main(): Promise<void> {
  for (const { file, now, wanted } of await generated()) {
    if (now === wanted) continue;
    writeFileSync(join(root, file), wanted);
    console.log(`wrote ${file}`);
  }
}

if (require.main === module) void main();
