import { describe, expect, it } from "vitest";
import { type EntityCheck, entityFault } from "./entity-checks";
import { completeConfig, type SchemaField } from "./plugin-schema";

const conditional: EntityCheck = {
  conditional: {
    if_field: "policy",
    if_match: { eq: "redis" },
    then_field: "url",
    then_match: { required: true },
  },
};

describe("entity checks in the stand-in", () => {
  it.each([
    [{ only_one_of: ["a", "b"] }, { a: "x", b: null }],
    [{ at_least_one_of: ["a", "b"] }, { a: "x", b: "y" }],
    [{ at_least_one_of: ["config.a", "config.b.c"] }, { config: { a: null, b: { c: 1 } } }],
    [{ mutually_exclusive: ["a", "b"] }, { a: null, b: null }],
    [{ mutually_exclusive: ["a", "b"] }, { a: [], b: "y" }],
    [{ mutually_required: ["a", "b"] }, { a: 1, b: 2 }],
    [conditional, { policy: "redis", url: "u" }],
    [conditional, { policy: "local", url: null }],
    [conditional, { policy: null, url: null }],
  ])("%j is content with %j", (check, entity) => {
    expect(entityFault([check as EntityCheck], entity)).toBeUndefined();
  });

  it.each([
    [{ only_one_of: ["a", "b"] }, { a: 1, b: 2 }, "exactly one of these fields"],
    [{ only_one_of: ["a", "b"] }, { a: null, b: "" }, "exactly one of these fields"],
    [{ at_least_one_of: ["a", "b"] }, { a: [], b: {} }, "at least one of these fields must be"],
    [{ mutually_exclusive: ["a", "b"] }, { a: 1, b: 2 }, "only one or none of these fields"],
    [{ mutually_required: ["a", "b"] }, { a: 1, b: null }, "all or none of these fields"],
    [conditional, { policy: "redis", url: null }, "given value of field 'policy'"],
    [
      { conditional: { ...conditional.conditional!, then_err: "redis needs a url" } },
      { policy: "redis", url: null },
      "redis needs a url",
    ],
    [
      {
        conditional: {
          if_field: "n",
          if_match: { gt: 1 },
          then_field: "m",
          then_match: { one_of: [1, 2] },
        },
      },
      { n: 2, m: 3 },
      "given value of field 'n'",
    ],
  ])("%j refuses %j", (check, entity, message) => {
    expect(entityFault([check as EntityCheck], entity)).toContain(message);
  });

  it("say that they do not know a kind, rather than let it pass", () => {
    const unknown = { custom_entity_check: {} } as EntityCheck;
    expect(() => entityFault([unknown], {})).toThrow("does not know the entity check");
  });

  it("are asked of each record of an array, which the fault names", () => {
    const target: SchemaField = {
      type: "record",
      fields: [{ name: { type: "string" } }, { glob: { type: "string" } }],
      entity_checks: [{ only_one_of: ["name", "glob"] }],
    };
    const fields = [{ targets: { type: "array", elements: target } }];
    const config = { targets: [{ name: "a" }, { name: "b", glob: "b*" }] };
    expect(() => completeConfig({ fields }, config)).toThrow(
      "config.targets[2]: exactly one of these fields must be non-empty: 'name', 'glob'",
    );
  });
});
