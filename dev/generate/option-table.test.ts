import { describe, expect, it } from "vitest";
import { z } from "zod";
import { withOptions } from "./option-table";

const amounts = z
  .object({
    second: z.int().optional(),
    minute: z.int().optional(),
    hour: z.int().optional(),
    day: z.int().optional(),
    month: z.int().optional(),
  })
  .prefault({})
  .describe("How many.");
const place = z.object({ host: z.string().default("").describe("Where it is.") });
const options = z.object({
  requests: amounts,
  rules: z
    .array(z.object({ kind: z.enum(["a", "b"]).default("a").describe("Which.") }))
    .default([{ kind: "b" }])
    .describe("Rules."),
  elsewhere: place.prefault({}).describe("Another place."),
});

function tableOf(pages: Parameters<typeof withOptions>[2]): string[] {
  const text = "Before\n<!-- options:start -->\nold\n<!-- options:end -->\nafter";
  const [before, start, , , ...rest] = withOptions(text, options, pages).split("\n");
  expect([before, start, ...rest.splice(-2)]).toEqual([
    "Before",
    "<!-- options:start -->",
    "<!-- options:end -->",
    "after",
  ]);
  return rest;
}

describe("the table of options", () => {
  it("has windows in one row, and a row for every option below a record", () => {
    expect(tableOf([])).toEqual([
      "| `requests.{second..month}` | integer |  | How many. |",
      "| `rules` | array of records | a list of 1 | Rules. |",
      '| `rules[].kind` | `a`, `b` | `"a"` | Which. |',
      "| `elsewhere` | record |  | Another place. |",
      '| `elsewhere.host` | string | `""` | Where it is. |',
    ]);
  });

  it("links a record that has a page of its own instead of repeating it", () => {
    expect(tableOf([{ options: place, link: "place.md" }]).at(-1)).toBe(
      "| `elsewhere` | [record](place.md) |  | Another place. |",
    );
  });
});
