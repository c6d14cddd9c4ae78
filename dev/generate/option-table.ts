// The tables of options in READMEs, by the zod objects. A record that has a page of its own (a Redis, the
// options of a neighbour's stage) is one row that links it; windows of time are one row too.

import type { z } from "zod";
import { jsonSchema } from "../../kong/schema-fields";
import { windows } from "../../plugins/llm-rate-limit/windows";

/** What JSON Schema says of an option. */
interface Described {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  items?: Described;
  properties?: Record<string, Described>;
}

/** A record of options that is told on a page of its own. */
export interface Page {
  options: z.ZodType;
  link: string;
}

/** The text with the table of these options between its markers. */
export function withOptions(text: string, options: z.ZodType, pages: Page[]): string {
  const links = new Map(pages.map((page) => [membersOf(page.options), page.link]));
  const rows = optionRows("", jsonSchema(options) as Described, links);
  const table = ["| Option | Type | Default | What it does |", "|---|---|---|---|", ...rows];
  return text.replace(
    /<!-- options:start -->[\s\S]*?<!-- options:end -->/,
    () => `<!-- options:start -->\n${table.join("\n")}\n<!-- options:end -->`,
  );
}

/** Two records with the same members are the same record. */
function membersOf(options: z.ZodType): string {
  return JSON.stringify((jsonSchema(options) as Described).properties);
}

function optionRows(
  prefix: string,
  schema: Described,
  links: ReadonlyMap<string, string>,
): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, option]) => {
    const path = prefix + name;
    const members = option.properties ?? {};
    const link = links.get(JSON.stringify(members));
    if (link !== undefined) return [row(path, `[record](${link})`, option)];
    if (Object.keys(members).join() === windows.join()) {
      const series = `{${windows[0]}..${windows.at(-1)}}`;
      return [row(`${path}.${series}`, typeOf(members[windows[0]]!), option)];
    }
    const own = row(path, typeOf(option), option);
    if (option.properties) return [own, ...optionRows(`${path}.`, option, links)];
    if (!option.items?.properties) return [own];
    return [own, ...optionRows(`${path}[].`, option.items, links)];
  });
}

function row(path: string, type: string, option: Described): string {
  return `| \`${path}\` | ${type} | ${defaultOf(option)} | ${option.description ?? ""} |`;
}

function defaultOf({ type, items, default: value }: Described): string {
  if (value === undefined || type === "object") return "";
  const isList = Array.isArray(value) && value.length > 0 && items?.properties;
  return isList ? `a list of ${value.length}` : `\`${JSON.stringify(value)}\``;
}

function typeOf(option: Described): string {
  if (option.enum) return option.enum.map((value) => `\`${value}\``).join(", ");
  if (option.type === "object") return option.properties ? "record" : "map";
  if (option.type !== "array") return option.type ?? "";
  return `array of ${option.items?.properties ? "records" : `${option.items?.type}s`}`;
}
