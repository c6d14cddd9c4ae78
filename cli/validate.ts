// kong-llm validate: checks configurations before Kong sees them. Findings go to stdout, as lines or
// as JSON; the exit code is 1 when one of them is an error, 2 when a file cannot be read.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { z } from "zod";
import { clientKey } from "../kong/client-key";
import { loadPlugins } from "../server/plugins";
import { type Finding, findingLine } from "../validate/finding";
import type { CheckedPlugin } from "../validate/options";
import { type ConfigurationFile, validate } from "../validate/validate";
import { textIn, told } from "./given-file";
import { defaultPlugins } from "./schema";

interface ValidateOptions {
  format: "text" | "json";
  together: boolean;
  strict: boolean;
  plugins: string;
}

export function addValidate(program: Command): void {
  program
    .command("validate")
    .argument(
      "<files...>",
      "kong.yaml, Kubernetes objects, Helm values, Compose files; or folders of them; .env files, kong.conf; - for standard input",
    )
    .description("check configurations: options, and what is known to go wrong with Kong")
    .addOption(
      new Option("--format <format>", "json: an array of findings")
        .choices(["text", "json"])
        .default("text"),
    )
    .option("--together", "all kong.yaml files are one configuration, as decK reads several", false)
    .option("--strict", "warnings count as errors", false)
    .option("--plugins <dir>", "directory of plugins", defaultPlugins)
    .action(async (paths: string[], options: ValidateOptions) => {
      const files = read(paths);
      if (!files) return;
      const plugins = await checkedPlugins(options.plugins);
      const findings = validate(files, { plugins, together: options.together });
      tell(findings, files.length, options.format);
      const counts = ({ severity }: Finding) => options.strict || severity === "error";
      if (findings.some(counts)) process.exitCode = 1;
    });
}

/** Undefined, with a word on stderr and exit code 2, where a file cannot be read. */
function read(paths: string[]): ConfigurationFile[] | undefined {
  try {
    return paths.flatMap(yamlFiles).map((file) => ({ file, text: textIn(file) }));
  } catch (error) {
    process.stderr.write(`kong-llm: ${told(error as Error)}\n`);
    process.exitCode = 2;
    return undefined;
  }
}

function yamlFiles(path: string): string[] {
  if (path === "-" || !statSync(path).isDirectory()) return [path];
  const files = readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.ya?ml$/i.test(file) && !file.includes("node_modules"))
    .sort()
    .map((file) => join(path, file));
  if (files.length === 0) throw new Error(`${path} holds no YAML file`);
  return files;
}

/** By name, llm-client-key among them; a plugin of kong-pdk's contract that is not ours is not checked. */
export async function checkedPlugins(directory: string): Promise<Map<string, CheckedPlugin>> {
  const plugins = await loadPlugins(directory);
  return new Map([
    ...[...plugins.values()].flatMap(({ name, Plugin }): [string, CheckedPlugin][] =>
      isChecked(Plugin) ? [[name, Plugin]] : [],
    ),
    [clientKey.name, clientKey],
  ]);
}

function isChecked(Plugin: object): Plugin is CheckedPlugin {
  const { Options, mistakesIn } = Plugin as Partial<CheckedPlugin>;
  return Options instanceof z.ZodType && typeof mistakesIn === "function";
}

function tell(findings: Finding[], files: number, format: ValidateOptions["format"]): void {
  if (format === "json") {
    process.stdout.write(`${JSON.stringify(findings, undefined, 2)}\n`);
    return;
  }
  for (const finding of findings) process.stdout.write(`${findingLine(finding)}\n`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const counted = `${errors} errors, ${findings.length - errors} warnings in ${files} files`;
  process.stderr.write(`${counted}\n`);
}
