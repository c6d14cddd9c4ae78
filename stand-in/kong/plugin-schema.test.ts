import { describe, expect, it } from "vitest";
import { completeConfig, runtimeConfig, type SchemaField } from "./plugin-schema";

const fields: Record<string, SchemaField>[] = [
  { policy: { type: "string", required: true, default: "local", one_of: ["local", "redis"] } },
  { seconds: { type: "integer", between: [1, 60] } },
  { share: { type: "number", gt: 0 } },
  { on: { type: "boolean", required: true, default: false } },
  { names: { type: "array", required: true, default: [], elements: { type: "string" } } },
  { limits: { type: "map", keys: { type: "string" }, values: { type: "integer" } } },
  {
    redis: {
      type: "record",
      fields: [
        { url: { type: "string", referenceable: true, len_min: 0 } },
        { port: { type: "integer", required: true, default: 6379 } },
      ],
    },
  },
  {
    keys: {
      type: "array",
      elements: {
        type: "record",
        fields: [
          { value: { type: "string", required: true, referenceable: true } },
          { weight: { type: "integer", required: true, default: 1 } },
        ],
      },
    },
  },
];

describe("a plugin's config in the stand-in", () => {
  it("gets its defaults, those of required records too", () => {
    expect(completeConfig({ fields }, { keys: [{ value: "sk-1" }] })).toMatchObject({
      policy: "local",
      on: false,
      names: [],
      redis: { url: null, port: 6379 },
      keys: [{ value: "sk-1", weight: 1 }],
    });
  });

  it.each([
    [{ typo: 1 }, "config.typo: unknown field"],
    [{ policy: "disk" }, "config.policy: expected one of: local, redis"],
    [{ seconds: 61 }, "config.seconds: value should be between 1 and 60"],
    [{ seconds: 1.5 }, "config.seconds: expected an integer"],
    [{ seconds: "5" }, "config.seconds: expected an integer"],
    [{ share: 0 }, "config.share: value must be greater than 0"],
    [{ on: "yes" }, "config.on: expected a boolean"],
    [{ names: ["a", 5] }, "config.names[2]: expected a string"],
    [{ names: "a" }, "config.names: expected an array"],
    [{ limits: { minute: "many" } }, "config.limits.minute: expected an integer"],
    [{ redis: null }, "config.redis: required field missing"],
    [{ redis: { host: "h" } }, "config.redis.host: unknown field"],
    [{ keys: [{ weight: 2 }] }, "config.keys[1].value: required field missing"],
    [{ keys: [{ value: "" }] }, "config.keys[1].value: length must be at least 1"],
    [[], "config: expected a record"],
  ])("%j is refused: %s", (config, message) => {
    expect(() => completeConfig({ fields }, config)).toThrow(message);
  });

  it("reaches the plugin without nulls, with its vault references resolved and named", () => {
    const complete = completeConfig(
      { fields },
      {
        redis: { url: "{vault://env/redis-url}" },
        keys: [{ value: "{vault://env/some-key}" }, { value: "plain" }],
      },
    );
    expect(runtimeConfig(fields, complete, { SOME_KEY: "sk-1" })).toEqual({
      policy: "local",
      on: false,
      names: [],
      redis: { url: "", port: 6379, $refs: { url: "{vault://env/redis-url}" } },
      keys: [
        { value: "sk-1", weight: 1, $refs: { value: "{vault://env/some-key}" } },
        { value: "plain", weight: 1 },
      ],
    });
  });
});
