// kong-llm privacy try: what would become of a request, by the options of a kong.yaml or by the defaults.

import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { parse } from "yaml";
import { type PrivacyOptions, privacyOptions } from "../plugins/llm-privacy/schema";
import { type Tried, tryOut } from "../plugins/llm-privacy/try-out";
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
  const text = readFileSync(file === "-" ? 0 : file, "utf8");
  const body = /^\s*\{/.test(text) ? text : JSON.stringify({ input: text });
  const options = optionsIn(flags.config);
  const caller = { id: "", username: flags.consumer, tags: flags.tag };
  const tried = tryOut(options, body, flags.endpoint, caller);
  if ("problem" in tried) throw new Error(`${file} is no body of a request: ${tried.problem}`);
  process.stdout.write(flags.format === "json" ? json(tried, flags) : told(tried, options, flags));
}

/** Of the first plugin in the file that has them. */
function optionsIn(config: string | undefined): PrivacyOptions {
  if (config === undefined) return privacyOptions.parse({});
  const found = findOptions(parse(readFileSync(config, "utf8")));
  if (!found) throw new Error(`${config} names neither llm-privacy nor llm-gateway with privacy`);
  return privacyOptions.parse(found);
}

function findOptions(value: unknown): object | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, plugin, config } = value as { name?: unknown; plugin?: unknown; config?: unknown };
  const which = plugin ?? name;
  const own = (config ?? {}) as { privacy?: object };
  if (which === "llm-privacy") return own;
  if (which === "llm-gateway" && own.privacy) return own.privacy;
  for (const member of Object.values(value)) {
    const found = findOptions(member);
    if (found) return found;
  }
  return undefined;
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
