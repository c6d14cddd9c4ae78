import { describe, expect, it } from "vitest";
import type { Exchange } from "../../stages/exchange";
import { prepareStage } from "../../stages/stage";
import { modelsOptions } from "./schema";
import { stage } from "./stage";

const options = modelsOptions.parse({
  aliases: [
    { name: "gpt-4", target: "gpt-4.1" },
    { name: "secret", target: "o3" },
  ],
  access: [{ consumers: ["vip"] }, { allow: ["gpt-*"] }],
});

const exchange = (username: string, endpoint: string) =>
  ({
    request: { id: "1", method: "GET", path: "/v1/usage", client_ip: "127.0.0.1" },
    consumer: { id: "c", username },
    ticket: { endpoint },
  }) as Exchange;

describe("llm-models › GET /v1/usage", () => {
  const models = prepareStage(stage, options);

  it("is told the names that are open to the caller, and what is behind them", async () => {
    const told = await models.tell(exchange("app", "usage"));
    expect(told.models).toContainEqual({ id: "gpt-4", served_by: [{ model: "gpt-4.1" }] });
    expect(JSON.stringify(told)).not.toContain("o3");
    expect(JSON.stringify(await models.tell(exchange("vip", "usage")))).toContain("o3");
  });

  it("is told who serves each, also where two APIs of one name are two providers'", async () => {
    const urls = { a: "https://a.example", b: "https://b.example" };
    const several = modelsOptions.parse({
      providers: [
        { name: "a", url: urls.a, models: ["claude*"], families: ["openai"] },
        { name: "b", url: urls.b, models: ["*"], families: ["openai", "anthropic"] },
      ],
      aliases: [
        { name: "gpt-4", targets: [{ model: "b/gpt-4.1" }, { model: "nobody/serves" }] },
        { name: "claude", target: "claude-sonnet-4.5" },
      ],
    });
    const { models: told } = await prepareStage(stage, several).tell(exchange("app", "usage"));
    expect(told).toContainEqual({
      id: "gpt-4",
      served_by: [
        { model: "gpt-4.1", provider: "b" },
        { model: "nobody/serves", provider: "b" },
      ],
    });
    const model = "claude-sonnet-4.5";
    expect(told).toContainEqual({
      id: "claude",
      served_by: [
        { model, provider: "a" },
        { model, provider: "b" },
      ],
    });
  });

  it("goes no further where llm-usage has not answered it", async () => {
    const decided = await models.decide(exchange("app", "usage"));
    expect(decided).toMatchObject({ answer: { status: 404, error: { code: "unknown_endpoint" } } });
  });
});
