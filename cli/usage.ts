// kong-llm usage: who has used what, by the ledger in a Redis; and the closing of a month.

import { type Command, InvalidArgumentError, Option } from "commander";
import { IANAZone } from "luxon";
import type { Exchange } from "../models/exchange";
import { dayIn, daysOfMonth, isDay } from "../plugins/llm-usage/ledger-day";
import { closedMonths, closeMonth, ledgerInRedis } from "../plugins/llm-usage/ledger-in-redis";
import { usageOptions } from "../plugins/llm-usage/schema";
import { isReportMember, type ReportMember } from "../plugins/llm-usage/usage-report";
import { onRedis, type RedisFlags, withRedisFlags } from "./redis";
import { formats, type Statement } from "./usage-format";

interface ReportFlags extends RedisFlags {
  from?: string;
  to?: string;
  by: ReportMember[];
  consumer?: string;
  format: keyof typeof formats;
  currency?: string;
  rate?: number;
  timeZone: string;
}

interface CloseFlags extends RedisFlags {
  timeZone: string;
  retainDays: number;
}

const localLedger =
  "A ledger of policy local is in the memory of each plugin server: GET /v1/usage and the operators' page show it.";
const standard = usageOptions.parse({}).ledger;

export function addUsage(program: Command): void {
  // Options behind `close` are those of `close`, for which every command above it must say so.
  const usage = withRedisFlags(program.enablePositionalOptions().command("usage"))
    .description("print who has used what, and what it cost, by the ledger in a Redis")
    .enablePositionalOptions()
    .option("--from <day>", "first day, YYYY-MM-DD (default: the first of this month)", day)
    .option("--to <day>", "last day (default: today)", day)
    .addOption(
      new Option(
        "--by <members>",
        "what to tell apart, with commas: day, month, consumer, team, end_user, model, provider, endpoint, tag:NAME",
      )
        .argParser(members)
        .default(["consumer", "model"], "consumer,model"),
    )
    .option("--consumer <name>", "only what this consumer used")
    .addOption(new Option("--format <form>").choices(["table", "csv", "json"]).default("table"))
    .option("--currency <code>", "show the cost in this currency too, as in KRW", currency)
    .option("--rate <number>", "how much of it one dollar is", rate)
    .addOption(zoneOption())
    .action(print);
  withRedisFlags(usage.command("close"))
    .argument("<month>", "YYYY-MM; it must have ended", month)
    .description("close a month: what comes of it later is booked, and told, in the running one")
    .addOption(zoneOption())
    .addOption(
      new Option("--retain-days <days>", "as ledger.retain_days")
        .argParser(days)
        .default(standard.retain_days),
    )
    .action(closed);
}

function zoneOption(): Option {
  return new Option("--time-zone <zone>", "as ledger.time_zone: which day is today")
    .argParser(zone)
    .default("UTC");
}

async function print(flags: ReportFlags): Promise<void> {
  const exchange = exchangeOf(flags);
  const today = dayIn(flags.timeZone)(Date.now());
  const to = flags.to ?? today;
  const from = flags.from ?? `${to.slice(0, 7)}-01`;
  if (from > to) throw new Error(`--from ${from} is after --to ${to}`);
  await onRedis(flags, localLedger, async (connection, prefix) => {
    const keeping = { retainDays: 1, mostRows: 1, dayOf: dayIn(flags.timeZone) };
    const { by, consumer } = flags;
    const rows = await ledgerInRedis(connection, prefix, keeping).read({ from, to, consumer });
    const all = Object.entries(await closedMonths(connection, prefix));
    const within = all.filter(([one]) => one >= from.slice(0, 7) && one <= to.slice(0, 7));
    const statement: Statement = { from, to, by, rows, exchange, closed: within.sort() };
    process.stdout.write(formats[flags.format](statement));
  });
}

async function closed(name: string, flags: CloseFlags): Promise<void> {
  const today = dayIn(flags.timeZone)(Date.now());
  if (daysOfMonth(name).to >= today) {
    throw new Error(`${name} has not ended yet: today is ${today} in ${flags.timeZone}`);
  }
  await onRedis(flags, localLedger, async (connection, prefix) => {
    const now = new Date().toISOString();
    const at = await closeMonth(connection, prefix, name, now, flags.retainDays);
    process.stdout.write(`${name} is closed${at === now ? "" : ` since ${at}`}\n`);
  });
}

function exchangeOf({ currency: code, rate: each }: ReportFlags): Exchange | undefined {
  if (code === undefined && each === undefined) return undefined;
  if (code === undefined || each === undefined) {
    throw new Error("--currency and --rate belong together: --currency KRW --rate 1400");
  }
  return { currency: code, rate: each };
}

function day(text: string): string {
  if (isDay(text)) return text;
  throw new InvalidArgumentError("give it as 2026-01-31");
}

function month(text: string): string {
  if (isDay(`${text}-01`)) return text;
  throw new InvalidArgumentError("give it as 2026-01");
}

function days(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("give a number of days, as in 400");
}

function members(text: string): ReportMember[] {
  const named = text.split(",").map((one) => one.trim());
  const wrong = named.find((one) => !isReportMember(one));
  if (wrong === undefined) return named as ReportMember[];
  throw new InvalidArgumentError(`there is no ${wrong}`);
}

function currency(text: string): string {
  if (/^[A-Z]{3}$/.test(text)) return text;
  throw new InvalidArgumentError("give it as KRW");
}

function rate(text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("give a number above 0");
}

function zone(text: string): string {
  if (IANAZone.isValidZone(text)) return text;
  throw new InvalidArgumentError("give it as Asia/Seoul");
}
