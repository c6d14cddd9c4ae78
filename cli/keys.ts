// kong-llm keys: keys of client apps, made, renewed and ended, in YAML for decK and Kubernetes or in a Kong
// by its Admin API. A key is printed once, on stderr, and stands in no file but a Secret that is asked for.

import { type Command, InvalidArgumentError, Option } from "commander";
import { DateTime } from "luxon";
import { expiryIn, expiryTag, isOurKey, isOver, newKey, withExpiry } from "../kong/consumer-key";
import { AdminApi, type AdminConsumer } from "./admin-api";
import { budget, deck, kubernetes, type WantedKey } from "./keys-written";

interface AdminFlags {
  adminUrl?: URL;
  adminToken?: string;
}

interface CreateFlags extends AdminFlags, WantedKey {
  budgetUsdMonth?: number;
  output: "deck" | "kubernetes" | "admin";
  namespace: string;
  ingressClass: string;
}

interface RotateFlags extends AdminFlags {
  consumer: string;
  overlap: Date;
  expires?: Date;
}

export function addKeys(program: Command): void {
  const keys = program
    .command("keys")
    .description("keys of client apps: make, renew, end and list");
  onAdmin(keys.command("create"))
    .description("make a key for a consumer; print the key once, on stderr, and what Kong needs")
    .requiredOption("--consumer <name>", "its username", consumerName)
    .option("--tag <tag>", "a tag of the consumer, such as its team; may be repeated", collect, [])
    .addOption(new Option("--expires <when>", "until when: 90d, 12h or a date").argParser(coming))
    .addOption(
      new Option(
        "--budget-usd-month <usd>",
        "print the limit that holds it to so much a month",
      ).argParser(dollars),
    )
    .addOption(
      new Option("--output <form>", "deck and kubernetes print YAML, admin talks to --admin-url")
        .choices(["deck", "kubernetes", "admin"])
        .default("deck"),
    )
    .option("--namespace <name>", "of the Kubernetes objects", "kong-llm")
    .option("--ingress-class <name>", "of the Kubernetes objects", "kong")
    .action(create);
  onAdmin(keys.command("rotate"))
    .description("give a consumer a second key, and let the old ones end after an overlap")
    .requiredOption("--consumer <name>", "its username", consumerName)
    .addOption(
      new Option("--overlap <when>", "how long the old ones still work")
        .argParser(moment)
        .default(moment("7d"), "7d"),
    )
    .addOption(new Option("--expires <when>", "until when the new one works").argParser(coming))
    .action(rotate);
  onAdmin(keys.command("expire"))
    .description("end all keys of a consumer, now or later")
    .requiredOption("--consumer <name>", "its username", consumerName)
    .addOption(new Option("--at <when>", "when").argParser(moment).default(moment("0d"), "now"))
    .action(expire);
  onAdmin(keys.command("list"))
    .description("print the keys that Kong has, by consumer, never the keys themselves")
    .action(list);
  keys
    .command("check")
    .description("say whether a text on standard input is a key of ours, for scanners of leaks")
    .action(check);
}

function onAdmin(command: Command): Command {
  return command
    .addOption(
      new Option("--admin-url <origin>", "Kong's Admin API")
        .env("KONG_LLM_ADMIN_URL")
        .argParser(origin),
    )
    .addOption(
      new Option("--admin-token <token>", "for it, where it wants one").env("KONG_ADMIN_TOKEN"),
    );
}

async function create(flags: CreateFlags): Promise<void> {
  const { consumer, tag, expires, output, budgetUsdMonth } = flags;
  const key = newKey();
  const credentialTags = expires ? [expiryTag(expires)] : [];
  if (output === "admin") {
    const api = apiOf(flags);
    const found = (await api.consumer(consumer)) ?? (await api.createConsumer(consumer, tag));
    const { id } = await api.createKey(found, key, credentialTags);
    process.stdout.write(`made the key ${id} of ${consumer}\n`);
  } else {
    const text = output === "deck" ? deck(flags) : kubernetes(flags, key, flags);
    process.stdout.write(text);
  }
  if (budgetUsdMonth !== undefined) process.stdout.write(budget(consumer, budgetUsdMonth));
  tellKey(key, expires);
}

/** Only where it is shown: it cannot be shown again. */
function tellKey(key: string, expires: Date | undefined): void {
  const until = expires ? `, until ${expires.toISOString()}` : "";
  process.stderr.write(`the key, which is not shown again${until}:\n${key}\n`);
}

async function rotate(flags: RotateFlags): Promise<void> {
  const api = apiOf(flags);
  const consumer = await known(api, flags.consumer);
  const old = await api.keysOf(consumer);
  const key = newKey();
  const { id } = await api.createKey(
    consumer,
    key,
    flags.expires ? [expiryTag(flags.expires)] : [],
  );
  const ended = await endAll(api, old, flags.overlap);
  process.stdout.write(
    `made the key ${id} of ${flags.consumer}; ${ended} older end ${flags.overlap.toISOString()}\n`,
  );
  tellKey(key, flags.expires);
}

async function expire(flags: AdminFlags & { consumer: string; at: Date }): Promise<void> {
  const api = apiOf(flags);
  const consumer = await known(api, flags.consumer);
  const ended = await endAll(api, await api.keysOf(consumer), flags.at);
  process.stdout.write(`${ended} keys of ${flags.consumer} end ${flags.at.toISOString()}\n`);
}

/** Those that would end later, or never; how many. */
async function endAll(
  api: AdminApi,
  keys: Awaited<ReturnType<AdminApi["keysOf"]>>,
  at: Date,
): Promise<number> {
  const later = keys.filter(({ tags }) => !isOver(expiryIn(tags ?? []) ?? "9999", at));
  for (const key of later) await api.setTags(key, withExpiry(key.tags ?? [], at));
  return later.length;
}

async function list(flags: AdminFlags): Promise<void> {
  const api = apiOf(flags);
  const [consumers, keys] = [await api.consumers(), await api.keys()];
  const names = new Map(consumers.map(({ id, username }) => [id, username ?? id]));
  const rows = keys.map(({ id, consumer, created_at, tags }) => {
    const expires = expiryIn(tags ?? []) ?? null;
    return {
      consumer: names.get(consumer.id) ?? consumer.id,
      id,
      created: new Date(created_at * 1000).toISOString(),
      expires,
      works: expires === null || !isOver(expires),
    };
  });
  rows.sort((one, other) => one.consumer.localeCompare(other.consumer));
  process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
}

async function check(): Promise<void> {
  let text = "";
  for await (const piece of process.stdin) text += piece;
  const isOurs = isOurKey(text.trim());
  process.stdout.write(isOurs ? "a key of kong-llm: end it\n" : "no key of kong-llm\n");
  if (!isOurs) process.exitCode = 1;
}

async function known(api: AdminApi, name: string): Promise<AdminConsumer> {
  const found = await api.consumer(name);
  if (!found) throw new Error(`Kong has no consumer "${name}": make one with kong-llm keys create`);
  return found;
}

function apiOf({ adminUrl, adminToken }: AdminFlags): AdminApi {
  if (!adminUrl)
    throw new Error("give --admin-url or set KONG_LLM_ADMIN_URL, as in http://127.0.0.1:8001");
  return new AdminApi(adminUrl, adminToken);
}

function origin(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError("give it as http://HOST:PORT");
}

function consumerName(text: string): string {
  if (/^[^\s/,]{1,100}$/.test(text)) return text;
  throw new InvalidArgumentError("a username has no spaces, slashes or commas");
}

function collect(tag: string, before: string[]): string[] {
  if (!/^[^,/\s]{1,100}$/.test(tag)) {
    throw new InvalidArgumentError("Kong takes no commas, slashes or spaces in a tag");
  }
  return [...before, tag];
}

function dollars(text: string): number {
  const usd = /^\d{1,7}(?:\.\d{1,9})?$/.test(text) ? Number(text) : 0;
  if (usd > 0 && usd <= mostUsd) return usd;
  throw new InvalidArgumentError("give US dollars, as in 50");
}

// As a limit takes it.
const mostUsd = 1_000_000;

const unitMs: Record<string, number> = { h: 3_600_000, d: 86_400_000 };

/** A duration from now, or a date: a number alone would be read as a month or a year. */
function moment(text: string): Date {
  const [, count, unit] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  if (unit) return new Date(Date.now() + Number(count) * unitMs[unit]!);
  const at = DateTime.fromISO(text, { zone: "UTC" });
  const isWhole = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?$/.test(text);
  if (isWhole && at.isValid) return at.toJSDate();
  throw new InvalidArgumentError("give it as 90d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z");
}

/** One that is still to come. */
function coming(text: string): Date {
  const at = moment(text);
  if (at.getTime() > Date.now()) return at;
  throw new InvalidArgumentError("it is over by then: give a time to come");
}
