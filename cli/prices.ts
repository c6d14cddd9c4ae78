// kong-llm prices: what models cost by the catalogue, whether a catalogue of one's own is right, and
// what a usage costs and why.

import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { familyOf } from "../families/endpoint";
import { type Catalogue, type CatalogueModel, catalogue, readCatalogue } from "../models/catalogue";
import { type Amounts, type Bill, billOf, isPriced } from "../models/cost";
import { modelGlob } from "../models/glob";
import { exactUsdText, usdOfNano } from "../models/money";
import { textIn } from "./given-file";
import { alignedTable } from "./table";

interface Flags {
  catalogue?: string;
  format: "table" | "json";
}

interface CostFlags extends Flags {
  model?: string;
  at?: Date;
}

export function addPrices(program: Command): void {
  const prices = program.command("prices").description("look into the catalogue of models");
  withFlags(prices.command("list"))
    .argument("[model]", "only models of this name; `*` matches any text", "*")
    .description("print what is known of the models: prices, source and date")
    .action(list);
  prices
    .command("check")
    .argument("<file>", "a catalogue in the form of models/catalogue.yaml")
    .description("check a catalogue of your own; tells every fault with its place")
    .action(check);
  withFlags(prices.command("cost"))
    .argument("<file>", "JSON: an answer of the upstream, a usage line or a usage; - for stdin")
    .option("--model <name>", "the model that served; without it the one that the file names")
    .addOption(
      new Option(
        "--at <time>",
        "when it ended, for off-peak hours: 2026-01-31T16:45:00Z",
      ).argParser(time),
    )
    .description("print what a usage costs, and why: each line of the sum")
    .action(cost);
}

function withFlags(command: Command): Command {
  return command
    .option("--catalogue <file>", "a catalogue of your own in place of the one that comes along")
    .addOption(new Option("--format <form>").choices(["table", "json"]).default("table"));
}

function time(text: string): Date {
  const date = new Date(text);
  if (!Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError("give it as 2026-01-31T16:45:00Z");
}

function list(pattern: string, { format, catalogue: file }: Flags): void {
  const matches = modelGlob(pattern);
  const { models } = catalogueIn(file);
  const found = models.filter(({ model, also }) => [model, ...also].some(matches));
  if (found.length === 0) throw new Error(`the catalogue has no model ${pattern}`);
  print(format === "json" ? jsonOf(found) : table([heads, ...found.map(rowOf)]));
}

const heads = [
  "model",
  "input",
  "cached",
  "output",
  "list input",
  "list output",
  "as of",
  "source",
];

/** Dollars for a million tokens; the price in force, and the vendor's own. */
function rowOf({ model, price, list }: CatalogueModel): string[] {
  const { input_usd_per_mtok: input, output_usd_per_mtok: output } = price;
  const cached = price.cached_input_usd_per_mtok ?? input;
  const listed = list ? [list.input_usd_per_mtok, list.output_usd_per_mtok] : ["", ""];
  return [model, ...[input, cached, output, ...listed].map(String), price.as_of, price.source];
}

function check(file: string): void {
  const { models, names } = readCatalogue(textIn(file), file);
  print(`${file} is right: ${models.length} models, ${names.length} names\n`);
}

function cost(file: string, { catalogue: own, format, model: named, at }: CostFlags): void {
  const { usage, model } = usageIn(textIn(file), file);
  const name = named ?? model;
  if (name === undefined) throw new Error(`${file} names no model: give --model NAME`);
  const { find } = catalogueIn(own);
  const found = find(name);
  if (!found) {
    throw new Error(
      `${name} has no price: add {model: ${name}, input_usd_per_mtok: ..., output_usd_per_mtok: ...} to \`prices\``,
    );
  }
  const { price, list } = found;
  if (!isPriced(usage, price)) {
    throw new Error(
      `the service tier ${usage.service_tier} of ${name} has no price: its cost is not known; add what it takes to \`tiers\` in a catalogue of your own`,
    );
  }
  const bill = billOf(usage, price, at?.getTime(), (model) => find(model)?.price);
  const isListed = list && list !== price && isPriced(usage, list);
  const listed = isListed
    ? billOf(usage, list, at?.getTime(), (model) => find(model)?.list)
    : undefined;
  const show = format === "json" ? jsonOfBill : textOfBill;
  print(show(name, found, bill, listed));
}

function jsonOfBill(model: string, { price }: CatalogueModel, bill: Bill, listed?: Bill): string {
  const { lines, exact, nano_usd, ...why } = bill;
  return jsonOf({
    ...{ model, source: price.source, as_of: price.as_of, note: price.note },
    ...why,
    lines: lines.map(({ part, count, each, exact }) => ({
      ...{ part, count, each_usd: exactUsdText(each), usd: exactUsdText(exact) },
    })),
    exact_usd: exactUsdText(exact),
    cost_usd: usdOfNano(nano_usd),
    list_cost_usd: listed && usdOfNano(listed.nano_usd),
  });
}

function textOfBill(model: string, { price }: CatalogueModel, bill: Bill, listed?: Bill): string {
  const { above_input_tokens: above, tier } = bill;
  const why = [
    `${model}, by ${price.source} as of ${price.as_of}`,
    ...(price.note === undefined ? [] : [`note: ${price.note}`]),
    ...(above === undefined ? [] : [`the prompt is longer than ${above} tokens`]),
    ...(tier === undefined
      ? []
      : [`service tier ${tier}: all prices times ${price.tiers?.[tier]}`]),
    ...(bill.off_peak ? [`off-peak hours: all prices times ${price.off_peak?.times}`] : []),
  ];
  const lines = bill.lines.map(({ part, count, each, exact }) => [
    ...[part, `${count}`, `x $${priceText(each, part)}`, `= $${exactUsdText(exact)}`],
  ]);
  const sum = [
    ["sum", "", "", `= $${exactUsdText(bill.exact)}`],
    ["counted", "", "up to whole nano-dollars", `= $${decimal(bill.nano_usd)}`],
    ...(listed ? [["list price", "", "", `= $${decimal(listed.nano_usd)}`]] : []),
  ];
  return `${why.join("\n")}\n${table([...lines, ...sum])}`;
}

const perPiece: readonly string[] = ["image", "second", "web_search", "request"];

function priceText(each: bigint, part: string): string {
  return perPiece.includes(part) ? exactUsdText(each) : `${exactUsdText(each * 1_000_000n)} / 1M`;
}

function decimal(nano: number): string {
  return exactUsdText(BigInt(nano), 9);
}

const tokens = z.int().min(0).optional();

/** A usage in our own form, as the usage line has it too; other members are not looked at. */
const amounts = z.object({
  model: z.string().nullish(),
  input_tokens: tokens,
  cached_input_tokens: tokens,
  cache_write_tokens: tokens,
  cache_write_1h_tokens: tokens,
  audio_input_tokens: tokens,
  output_tokens: tokens,
  reasoning_tokens: tokens,
  audio_output_tokens: tokens,
  images: tokens,
  audio_seconds: z.number().min(0).optional(),
  web_searches: tokens,
  characters: tokens,
  service_tier: z.string().optional(),
});

function usageIn(text: string, file: string): { usage: Amounts; model?: string } {
  const value = jsonIn(text, file);
  const stated = statedIn(value, text);
  const read = amounts.safeParse(value);
  if (!read.success) {
    const faults = read.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
    throw new Error(`${file} is no usage: ${faults.join("; ").trim()}`);
  }
  const { model, ...own } = read.data;
  const usage: Amounts = stated ?? own;
  const counted = Object.values(usage).some((amount) => typeof amount === "number" && amount > 0);
  if (!counted) throw new Error(`${file} states no usage: give it input_tokens and output_tokens`);
  return { usage, ...(model && { model }) };
}

/** Of an answer: a message of Anthropic's states its input without what its cache was read for. */
function statedIn(value: unknown, text: string): Amounts | undefined {
  const isMessage = (value as { type?: unknown } | null)?.type === "message";
  const endpoint = isMessage ? "messages" : "chat/completions";
  const body = Buffer.from(text);
  const answer = { endpoint, contentType: "application/json", body, truncated: false };
  const usage = familyOf(endpoint).usageOf(answer);
  return usage.isSilent ? undefined : usage.with(0, 0);
}

function jsonIn(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What stands in it is not for an error's message.
    throw new Error(`${file} is no JSON`);
  }
}

function catalogueIn(file: string | undefined): Catalogue {
  return file === undefined ? catalogue() : readCatalogue(textIn(file), file);
}

function table(rows: string[][]): string {
  return alignedTable(rows, rows[0]!.length);
}

function jsonOf(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function print(text: string): void {
  process.stdout.write(text);
}
