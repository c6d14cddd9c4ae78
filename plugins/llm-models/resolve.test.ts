import { describe, expect, it } from "vitest";
import type { MayUse } from "./access";
import { candidates, labels, modelsInChains, resolver, upstreamModels } from "./resolve";
import { modelsOptions } from "./schema";

const given = {
  aliases: [
    { name: "gpt-4", target: "gpt-4.1", fallbacks: ["deepseek-chat", "gpt-4.1", "gpt-4o"] },
    { name: "claude-opus", target: "claude-opus-4" },
    { name: "claude*", target: "claude-sonnet-4" },
    { name: "claude-haiku", target: "never-reached" },
    {
      name: "new",
      targets: [
        { model: "gpt-5", weight: 0 },
        { model: "gpt-4.1", weight: 1 },
      ],
    },
  ],
  models: ["gpt-4.1-mini"],
};
const options = modelsOptions.parse(given);
const strict = modelsOptions.parse({ ...given, unknown_models: "reject" });

const all: MayUse = () => true;

function models(requested: string, mayUse = all, opts = options): string[] | undefined {
  const route = resolver(opts)(requested);
  return route && candidates(route, requested, mayUse, "alice");
}

describe("llm-models resolution", () => {
  it.each([
    ["gpt-4", ["gpt-4.1", "deepseek-chat", "gpt-4o"]],
    ["claude-opus", ["claude-opus-4"]],
    ["claude-haiku", ["claude-sonnet-4"]],
    ["claude", ["claude-sonnet-4"]],
    ["new", ["gpt-4.1"]],
    ["gpt-4.1", ["gpt-4.1"]],
    ["gpt-4.1-mini", ["gpt-4.1-mini"]],
  ])("%s may be served by %j", (requested, wanted) => {
    expect(models(requested)).toEqual(wanted);
    expect(models(requested, all, strict)).toEqual(wanted);
  });

  it("lets providers of one model stand in for each other, and canaries not", () => {
    const alias = (...names: string[]) => ({
      name: names.join("+"),
      targets: names.map((model) => ({ model, weight: 1 })),
      fallbacks: ["last"],
    });
    const given = { aliases: [alias("a/gpt", "b/gpt"), alias("a/gpt", "b/other")] };
    const options = modelsOptions.parse(given);
    const bare = (name: string) => name.replace(/^.\//, "");
    const served = (name: string, mayUse = all) =>
      candidates(resolver(options, bare)(name)!, name, mayUse, "alice");
    expect(served("a/gpt+b/gpt").sort()).toEqual(["a/gpt", "b/gpt", "last"]);
    expect(served("a/gpt+b/gpt", (_, model) => model !== "a/gpt")).toEqual(["b/gpt", "last"]);
    expect(served("a/gpt+b/other")).toHaveLength(2);
    const alone = modelsOptions.parse({
      aliases: [{ ...given.aliases[0], fallbacks: [] }],
    });
    expect(modelsInChains(alone, bare)).toEqual(new Set(["gpt"]));
  });

  it("sends an unknown model on, or rejects it", () => {
    expect(models("gpt-9")).toEqual(["gpt-9"]);
    expect(models("gpt-9", all, strict)).toBeUndefined();
    expect(models("GPT-4", all, strict)).toBeUndefined();
  });

  it("knows fallbacks and weighted targets by name", () => {
    expect(models("deepseek-chat", all, strict)).toEqual(["deepseek-chat"]);
    expect(models("gpt-5", all, strict)).toEqual(["gpt-5"]);
  });

  it("leaves out fallbacks that the caller may not use", () => {
    expect(models("gpt-4", (_, target) => target !== "deepseek-chat")).toEqual([
      "gpt-4.1",
      "gpt-4o",
    ]);
  });

  it("serves no fallback in place of a target that the caller may not use", () => {
    expect(models("gpt-4", (_, target) => target !== "gpt-4.1")).toEqual([]);
  });

  it("shares the callers of a canary among the targets that are open to them", () => {
    const canary = modelsOptions.parse({
      aliases: [
        {
          name: "a",
          targets: [
            { model: "stable", weight: 1 },
            { model: "secret", weight: 999 },
          ],
        },
      ],
    });
    expect(models("a", all, canary)).toEqual(["secret"]);
    expect(models("a", (_, target) => target !== "secret", canary)).toEqual(["stable"]);
  });

  it("names every configured model once, in order", () => {
    expect(upstreamModels(options)).toEqual([
      ...["gpt-4.1", "claude-opus-4", "claude-sonnet-4", "never-reached", "gpt-5"],
      ...["deepseek-chat", "gpt-4o", "gpt-4.1-mini"],
    ]);
  });

  it("watches models that have fallbacks or are some", () => {
    expect([...modelsInChains(options)]).toEqual(["gpt-4.1", "deepseek-chat", "gpt-4o"]);
  });

  it("bounds the label of a model to configured names", () => {
    const labelOf = labels(options);
    expect(["gpt-4o", "gpt-4", "claude-x", "anything"].map(labelOf)).toEqual([
      ...["gpt-4o", "other", "other", "other"],
    ]);
  });

  it.each([
    [{ name: "a" }, "needs either target or targets"],
    [{ name: "a", target: "b", targets: [{ model: "c" }] }, "needs either target or targets"],
    [{ name: "a", targets: [{ model: "c", weight: 0 }] }, "needs a weight above 0"],
    [{ name: "a", target: "b\r\nX-Evil: 1" }, "must be a name without control characters"],
    [{ name: "", target: "b" }, ">=1 characters"],
  ])("refuses the alias %j: %s", (alias, problem) => {
    const { error } = modelsOptions.safeParse({ aliases: [alias] });
    expect(error?.issues[0]?.message).toContain(problem);
  });
});
