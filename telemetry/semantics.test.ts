import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { describe, expect, it } from "vitest";
import { endpoints } from "../families/endpoint";
import { attributes, metrics, operationAt, own, providerName, tokenBuckets } from "./semantics";

const released = Object.entries(conventions);
const namesOf = (kind: string) =>
  released.filter(([name]) => name.startsWith(kind)).map(([, value]) => value);
const deprecatedNames = ["gen_ai.system", "gen_ai.usage.prompt_tokens", "gen_ai.prompt"];

describe("the names of what is told", () => {
  it("are those of the released conventions", () => {
    expect(namesOf("ATTR_")).toEqual(expect.arrayContaining(Object.values(attributes)));
    expect(namesOf("METRIC_")).toEqual(expect.arrayContaining(Object.values(metrics)));
    expect(Object.values(attributes)).not.toEqual(expect.arrayContaining(deprecatedNames));
  });

  it("are in a namespace of ours where the conventions have none", () => {
    for (const name of Object.values(own)) expect(name).toMatch(/^kong_llm\./);
  });

  it("have the buckets that the conventions want of tokens", () => {
    expect([tokenBuckets[0], tokenBuckets.at(-1)]).toEqual([1, 67108864]);
  });
});

describe("the operation", () => {
  it("is known of every endpoint at which a model does something", () => {
    const none = endpoints.filter(({ name }) => operationAt(name) === undefined);
    expect(none.map(({ name }) => name)).toEqual(["models", "usage"]);
    expect(operationAt("other")).toBeUndefined();
  });

  it("has the conventions' word where there is one", () => {
    expect(operationAt("chat/completions")).toBe(conventions.GEN_AI_OPERATION_NAME_VALUE_CHAT);
    expect(operationAt("completions")).toBe(
      conventions.GEN_AI_OPERATION_NAME_VALUE_TEXT_COMPLETION,
    );
    expect(operationAt("embeddings")).toBe(conventions.GEN_AI_OPERATION_NAME_VALUE_EMBEDDINGS);
  });
});

describe("the provider", () => {
  it("is the one whose API is spoken, unless the operator has named a known one", () => {
    expect(providerName("holysheep", "openai")).toBe("openai");
    expect(providerName(undefined, "anthropic")).toBe("anthropic");
    expect(providerName("deepseek", "openai")).toBe("deepseek");
  });
});
