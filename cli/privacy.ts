// kong-llm privacy try: what would become of a request, by the options of a kong.yaml or by the defaults.

import { type Command, Option } from "commander";
import { readConfig } from "../kong/config";
import { gatewayOptions } from "../plugins/llm-gateway/schema";
import { type PrivacyOptions, privacyOptions } from "../plugins/llm-privacy/schema";
import { type Tried, tryOut } from "../plugins/llm-privacy/try-out";
import { textIn } from "./given-file";
import { optionsOf, pluginConfigs } from "./plugin-configs";
import { alignedTable } from "./table";

interface Flags {
  config?: string;
  consumer?: string;
  tag: string[];
  endpoint: string;
  values: boolean;
  format: "text" | "json";
}

export function addPrivacy(program: Command): void {
  program
    .command("privacy")
    .description("look into what is masked of requests")
    .command("try")
    .argument("<file>", "the body of a request as JSON, or any text; - for stdin")
    .description("print what would be found in a request, and how it would go upstream")
    .option("--config <file>", "kong.yaml with llm-privacy or llm-gateway; without it the defaults")
    .option("--consumer <name>", "as this consumer asks")
    .option("--tag <tag...>", "as a consumer with these tags asks", [])
    .option("--endpoint <name>", "the endpoint that is asked", "chat/completions")
    .option("--values", "print what was found as well", false)
    .addOption(
      new Option("--format <format>", "json: one object").choices(["text", "json"]).default("text"),
    )
    .action(tryFile);
}

function tryFile(file: string, flags: Flags): void {
  const body = bodyIn(file);
  const options = optionsIn(flags.config);
  const caller = { id: "", username: flags.consumer, tags: flags.tag };
  const tried = tryOut(options, body, flags.endpoint, caller);
  if ("problem" in tried) throw new Error(`${file} is no body of a request: ${tried.problem}`);
  process.stdout.write(flags.format === "json" ? json(tried, flags) : told(tried, options, flags));
}

/** Of the first plugin in the file that has them. */
function optionsIn(file: string | undefined): PrivacyOptions {
  if (file === undefined) return privacyOptions.parse({});
  for (const found of pluginConfigs(textIn(file), file)) {
    const { plugin, config } = found;
    if (plugin === "llm-privacy") {
      return optionsOf(found, file, () => readConfig(privacyOptions, config));
    }
    // What it does not say is off in llm-gateway.
    if (plugin === "llm-gateway" && "privacy" in config) {
      return optionsOf(found, file, () => readConfig(gatewayOptions, config)).privacy;
    }
  }
  throw new Error(`${file} names neither llm-privacy nor llm-gateway with privacy`);
}

/** As it would come: what is no body is taken for the text of one. */
function bodyIn(file: string): string {
  const text = textIn(file);
  return /^\s*\{/.test(text) ? text : JSON.stringify({ input: text });
}

function json({ findings, ...tried }: Tried, { values }: Flags): string {
  const shown = findings.map(({ value, ...one }) => (values ? { ...one, value } : one));
  return `${JSON.stringify({ findings: shown, ...tried }, null, 2)}\n`;
}

function told(
  { findings, masked, brokenRule, hasUnread }: Tried,
  options: PrivacyOptions,
  flags: Flags,
) {
  const head = ["recogniser", "action", "member", ...(flags.values ? ["value"] : [])];
  const rows = findings.map(({ recogniser, action, member, value }) => [
    ...[recogniser, action, member],
    ...(flags.values ? [value] : []),
  ]);
  const lines =
    findings.length > 0 ? [alignedTable([head, ...rows], 4).trimEnd()] : ["nothing found"];
  if (!options.enabled) lines.push("not enabled: nothing of this happens");
  else if (options.dry_run) lines.push("dry_run: only counted");
  if (brokenRule) lines.push(`refused by the rule ${brokenRule.name} (${brokenRule.what})`);
  if (hasUnread) lines.push(`carries what is not read (unread: ${options.unread})`);
  const isRefused = findings.some(({ action }) => action === "refuse");
  lines.push("", isRefused && !options.dry_run ? "refused with 400" : masked);
  return `${lines.join("\n")}\n`;
}
