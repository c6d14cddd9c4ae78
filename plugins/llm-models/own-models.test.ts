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
    expect(told.models).toContainEqual({ id: "gpt-4", served_by: ["gpt-4.1"] });
    expect(JSON.stringify(told)).not.toContain("o3");
    expect(JSON.stringify(await models.tell(exchange("vip", "usage")))).toContain("o3");
  });

  it("goes no further where llm-usage has not answered it", async () => {
    const decided = await models.decide(exchange("app", "usage"));
    expect(decided).toMatchObject({ answer: { status: 404, error: { code: "unknown_endpoint" } } });
  });
});
