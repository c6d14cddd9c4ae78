import { describe, expect, it } from "vitest";
import { z } from "zod";
import { schemaFields } from "./schema-fields";

const options = z.object({
  name: z.string().min(1).describe("A name that is needed."),
  note: z.string().optional().describe("A text that may be left out."),
  key: z.string().default("").meta({ referenceable: true, description: "A secret from a vault." }),
  size: z.int().min(1).max(9).default(3).describe("A bounded number of things."),
  ratio: z.number().min(1).optional().describe("A number without an upper bound."),
  policy: z.enum(["a", "b"]).default("a").describe("One of two ways to go."),
  inner: z
    .object({ on: z.boolean().default(true).describe("Whether it is on at all.") })
    .prefault({})
    .describe("Options of the inner part."),
  word: z
    .string()
    .regex(/^[a-z]{1,9}$/)
    .optional()
    .describe("A word in small letters."),
  some: z.array(z.string()).min(1).max(3).describe("A few texts, at least one."),
  list: z
    .array(z.object({ name: z.string() }))
    .default([])
    .describe("A list of named things."),
});

describe("schema fields for Kong", () => {
  const fields = Object.assign({}, ...schemaFields(options));

  it("keep the order of the options", () => {
    expect(schemaFields(options).map((field) => Object.keys(field)[0])).toEqual(
      Object.keys(options.shape),
    );
  });

  it("say what must be given", () => {
    expect(fields.name).toEqual({
      type: "string",
      required: true,
      len_min: 1,
      description: "A name that is needed.",
    });
    expect(fields.note).toMatchObject({ type: "string", required: false, len_min: 0 });
  });

  it("carry bounds, choices, defaults and vault references", () => {
    expect(fields.size).toMatchObject({ type: "integer", between: [1, 9], default: 3 });
    expect(fields.policy).toMatchObject({ type: "string", one_of: ["a", "b"], default: "a" });
    expect(fields.key).toMatchObject({ type: "string", referenceable: true, default: "" });
    expect(fields.ratio).toMatchObject({
      type: "number",
      between: [1, Number.MAX_SAFE_INTEGER],
      required: false,
    });
  });

  it("carry what a text looks like, and how many elements there are", () => {
    expect(fields.word).toMatchObject({ type: "string", match: "^[a-z]+$" });
    expect(fields.some).toMatchObject({ type: "array", required: true, len_min: 1, len_max: 3 });
    expect(fields.list).not.toHaveProperty("len_min");
  });

  it("leave a secret's form to the plugin server, which trims it first", () => {
    const secret = z
      .string()
      .trim()
      .regex(/^[a-z]*$/)
      .meta({ referenceable: true });
    expect(schemaFields(z.object({ secret }))[0]!.secret).not.toHaveProperty("match");
  });

  it("give a record no default of its own, so that decK finds no phantom difference", () => {
    expect(fields.inner).toEqual({
      type: "record",
      required: true,
      description: "Options of the inner part.",
      fields: [
        {
          on: {
            type: "boolean",
            required: true,
            default: true,
            description: "Whether it is on at all.",
          },
        },
      ],
    });
  });

  it("describe arrays by their elements", () => {
    expect(fields.list).toMatchObject({
      type: "array",
      default: [],
      elements: { type: "record", fields: [{ name: { type: "string", required: true } }] },
    });
  });
});
