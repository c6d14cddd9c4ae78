// kong-llm route: which model a request gets and why, and what many requests would cost: from files, with
// the options of a kong.yaml, without a gateway.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readConfig } from "../kong/config";
import { RequestBody } from "../openai/request-body";
import { gatewayOptions } from "../plugins/llm-gateway/schema";
import { accessOf } from "../plugins/llm-models/access";
import { type Explain, type Explanation, explainBy, servedIn } from "../plugins/llm-route/explain";
import { type ChoiceOptions, type RouteOptions, routeOptions } from "../plugins/llm-route/schema";
import { textIn } from "./given-file";
import { type FoundConfig, optionsOf, pluginConfigs } from "./plugin-configs";
import { alignedTable } from "./table";

interface Flags {
  config: string;
  name?: string;
  endpoint: string;
  consumer?: string;
  tag: string[];
  header: [name: string, value: string][];
}

export function addRoute(program: Command): void {
  const route = program
    .command("route")
    // What stands behind `try` belongs to it.
    .enablePositionalOptions()
    .description("print which model a request would get, and why: nothing is sent");
  withFlags(route.argument("<file>", "JSON: the body of a request; - for stdin")).action(one);
  withFlags(route.command("try"))
    .argument("<dir>", "folder of such files: *.json, or one request a line in *.jsonl")
    .description("print how many of many requests would get which tier, and what they would cost")
    .action(many);
}

function withFlags(command: Command): Command {
  const several = (text: string, before: string[]) => [...before, text];
  return command
    .option("--config <file>", "a kong.yaml with the choice", "kong.yaml")
    .option("--name <name>", "name of the choice; without it the first one")
    .addOption(
      new Option("--endpoint <name>", "endpoint that the request is for")
        .choices(["chat/completions", "completions", "responses", "messages"])
        .default("chat/completions"),
    )
    .option("--consumer <name>", "username of who asks, for rules and access")
    .option("--tag <tag>", "a tag of who asks; may stand several times", several, [])
    .option("--header <name: value>", "a header of the request, for rules and wishes", header, []);
}

function header(text: string, before: Flags["header"]): Flags["header"] {
  const [, name, value] = /^\s*([\w-]+)\s*:\s*(.*?)\s*$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("give it as X-Name: value");
  return [...before, [name.toLowerCase(), value!]];
}

function one(file: string, flags: Flags): void {
  const { explain, caller } = explainer(flags);
  const text = textIn(file);
  process.stdout.write(textOf(explain(flags.endpoint, bodyIn(text, file), caller)));
}

function many(dir: string, flags: Flags): void {
  const { explain, caller, choice } = explainer(flags);
  const requests = requestsIn(dir);
  if (requests.length === 0) throw new Error(`${dir} has no *.json and no *.jsonl`);
  const found = requests.map((body) => explain(flags.endpoint, body, caller));
  process.stdout.write(tallyOf(found, choice));
}

/** What a choice does with requests: tiers, where difficulties lie, and the cost beside each model alone. */
export function tallyOf(
  found: readonly Explanation[],
  { tiers, baseline }: Pick<ChoiceOptions, "tiers" | "baseline">,
): string {
  const rows = tiers.map(({ name: tier }) => {
    const own = found.filter((one) => servedIn(one)?.tier === tier);
    const share = `${Math.round((own.length * 100) / found.length)} %`;
    const difficulties = own.map(({ reading }) => reading.difficulty).sort((a, b) => a - b);
    const range = own.length === 0 ? "" : `${difficulties[0]}-${difficulties.at(-1)}`;
    return [tier, `${own.length}`, share, range, usdText(sum(own, (one) => servedIn(one)?.usd))];
  });
  const unserved = found.filter((one) => !servedIn(one)).length;
  const chosen = sum(found, (one) => servedIn(one)?.usd ?? 0);
  const models = [
    ...new Set(found.flatMap(({ candidates }) => candidates.map(({ model }) => model))),
  ];
  const alone = models.map((model) => {
    const costs = found.map(({ candidates }) => candidates.find((one) => one.model === model));
    const cannot = costs.filter((one) => one?.whyNot !== undefined).length;
    const usd = costs.reduce((total, one) => total + (one?.usd ?? 0), 0);
    const mark = model === baseline ? " (baseline)" : "";
    return [`${model}${mark}`, `${cannot}`, usdText(usd), times(usd, chosen)];
  });
  return [
    `${found.length} requests${unserved > 0 ? `, ${unserved} of which no model can serve` : ""}\n`,
    alignedTable([["tier", "requests", "share", "difficulty", "expected"], ...rows], 1),
    alignedTable(
      [
        ["every request by", "cannot serve", "expected", "of the choice"],
        ["the choice", `${unserved}`, usdText(chosen), "1.0x"],
        ...alone,
      ],
      1,
    ),
  ].join("\n");
}

function sum(found: readonly Explanation[], usd: (one: Explanation) => number | undefined): number {
  return found.reduce((total, one) => total + (usd(one) ?? 0), 0);
}

function times(usd: number, chosen: number): string {
  return chosen > 0 && Number.isFinite(usd) ? `${(usd / chosen).toFixed(1)}x` : "";
}

function usdText(usd: number): string {
  return Number.isFinite(usd) ? `$${usd.toFixed(6)}` : "no price";
}

/** The reading, the rules and the candidates. No word of the request is in it. */
function textOf(explanation: Explanation): string {
  const { reading, asked, candidates } = explanation;
  const { points, around, needs, tokens, turns, difficulty } = reading;
  const parts = [...Object.entries(points), ["around", around] as const]
    .filter(([, value]) => value !== 0)
    .map(([name, value]) => `${name} ${Math.round(value)}`);
  const rule = asked.rule === undefined ? "" : `, rules[${asked.rule}]`;
  const rows = candidates.map(({ model, tier, whyNot, usd }) => [
    ...[model, tier, whyNot ? `cannot: ${whyNot}` : "can", usdText(usd)],
  ]);
  return [
    `prompt      ${tokens} tokens by estimate, ${turns} turns`,
    `needs       ${needs.join(", ") || "nothing but text"}`,
    `difficulty  ${difficulty} (${parts.join(", ") || "no sign of any"})`,
    `wishes      ${wishesText(explanation.wishes)}`,
    `tier        ${asked.name} (${asked.reason}${rule})`,
    `model       ${servedIn(explanation)?.model ?? "none can serve it"}`,
    "",
    alignedTable([["candidate", "tier", "", "expected"], ...rows], 3),
  ].join("\n");
}

function wishesText({ may, said }: Explanation["wishes"]): string {
  const allowed = may.length === 0 ? "none that this caller may have" : `may be ${may.join(", ")}`;
  // Only the names of tiers are written out: what else was said is the request's own.
  return said && "unknown" in said ? `${allowed}; refused with 400: it names no tier` : allowed;
}

function explainer({ config, name, consumer, tag, header }: Flags) {
  const { route, access } = optionsIn(textIn(config), config);
  const asks = { id: "", username: consumer, tags: tag };
  const mayUse = accessOf(access)(asks);
  const headers = Object.fromEntries(header);
  const explain: Explain = explainBy(route, name, mayUse);
  const choice = route.choices.find((one) => name === undefined || one.name === name)!;
  return {
    explain,
    choice,
    caller: { consumer: asks, headers, at: Date.now() },
  };
}

export interface Found {
  route: RouteOptions;
  access: Parameters<typeof accessOf>[0];
}

/** The options of the first plugin of a file that has a choice, wherever it stands. */
export function optionsIn(text: string, file: string): Found {
  for (const one of pluginConfigs(text, file)) {
    const found = optionsOf(one, file, () => chosenBy(one));
    if (found && found.route.choices.length > 0) return found;
  }
  throw new Error(`${file} has no choice: set route.choices of llm-gateway, or give --config`);
}

function chosenBy({ plugin, config }: FoundConfig): Found | undefined {
  if (plugin === "llm-route") return { route: readConfig(routeOptions, config), access: [] };
  if (plugin !== "llm-gateway") return undefined;
  const { usage, route, models } = readConfig(gatewayOptions, config);
  const { prices, catalogue_file } = usage;
  return { route: { prices, catalogue_file, ...route }, access: models.access };
}

function requestsIn(dir: string): RequestBody[] {
  const files = readdirSync(dir).filter((file) => /\.jsonl?$/.test(file));
  return files.sort().flatMap((file) => {
    const text = textIn(join(dir, file));
    const lines = file.endsWith("l") ? text.split("\n").filter((line) => line.trim()) : [text];
    return lines.map((line, at) => bodyIn(line, file.endsWith("l") ? `${file}:${at + 1}` : file));
  });
}

function bodyIn(text: string, place: string): RequestBody {
  const body = RequestBody.parse(text.trim());
  // What stands in it is not for an error's message.
  if (!(body instanceof RequestBody)) throw new Error(`${place} is no request: ${body.problem}`);
  return body;
}
