import { randomBytes } from "node:crypto";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configurations, type Gateway, startGateway } from "../support/gateway";

const tenants = ["research", "interns", "europe", "writers", "guests"] as const;
type Tenant = (typeof tenants)[number];

const models = {
  aliases: [
    { name: "gpt-4", target: "gpt-4.1" },
    { name: "fast", target: "gemini-2.0-flash" },
    { name: "claude*", target: "claude-sonnet-4-20250514" },
  ],
  models: ["deepseek-v3.2"],
  unknown_models: "reject",
  max_tokens_limit: 1000,
  model_rules: [{ model: "deepseek*", max_tokens_limit: 50 }],
  access: [
    { consumers: ["research"] },
    { consumers: ["interns"], allow: ["fast", "deepseek*"] },
    { tags: ["region-eu"], deny: ["gpt-*", "gemini-*"] },
    { consumers: ["customer-77"], allow: ["claude*"] },
    { allow: ["deepseek*"] },
  ],
};

const lists: Record<Tenant, string[]> = {
  research: [
    ...["gpt-4", "fast", "gpt-4.1", "gemini-2.0-flash"],
    ...["claude-sonnet-4-20250514", "deepseek-v3.2"],
  ],
  interns: ["fast", "deepseek-v3.2"],
  europe: ["claude-sonnet-4-20250514", "deepseek-v3.2"],
  writers: ["claude-sonnet-4-20250514"],
  guests: ["deepseek-v3.2"],
};

const expiring = { old: "test-key-that-is-over", new: "test-key-that-follows" };

describe.each(configurations)("the model access of %s", (_, config) => {
  const keys = Object.fromEntries(
    tenants.map((tenant) => [tenant, `test-${randomBytes(12).toString("hex")}`]),
  ) as Record<Tenant, string>;
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      edit: (kong) => {
        Object.assign(kong.options("models"), models);
        kong.addConsumer("research", keys.research);
        kong.addConsumer("interns", keys.interns);
        kong.addConsumer("europe", keys.europe, { tags: ["region-eu"] });
        kong.addConsumer("writers", keys.writers, { custom_id: "customer-77" });
        kong.addConsumer("guests", keys.guests);
        kong.addConsumer("rotated", expiring.old, {
          keyauth_credentials: [
            { key: expiring.old, tags: ["llm-expires-2026-01-31T12:00:00Z"] },
            { key: expiring.new, tags: ["blue", "llm-expires-2099-01-31T12:00:00Z"] },
          ],
        });
      },
    });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  const clientOf = (tenant: Tenant) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: keys[tenant], maxRetries: 0 });

  let serial = 0;
  const ask = (tenant: Tenant, model: string, more: object = {}) =>
    clientOf(tenant)
      .chat.completions.create({
        model,
        messages: [{ role: "user", content: `question ${++serial}` }],
        ...more,
      })
      .withResponse();

  it.each(tenants)(
    "shows %s its own list and serves it that list, nothing else",
    async (tenant) => {
      const names = [];
      for await (const { id } of clientOf(tenant).models.list()) names.push(id);
      expect(names).toEqual(lists[tenant]);

      for (const name of lists.research) {
        if (names.includes(name)) {
          expect((await ask(tenant, name)).data.object).toBe("chat.completion");
          expect((await clientOf(tenant).models.retrieve(name)).id).toBe(name);
          continue;
        }
        const refusal = { status: 404, code: "model_not_found", param: "model" };
        await expect(ask(tenant, name)).rejects.toMatchObject(refusal);
        await expect(clientOf(tenant).models.retrieve(name)).rejects.toMatchObject(refusal);
      }
      expect(gateway.upstream.requests).toHaveLength(names.length);
    },
  );

  it("lets a key in until its tag says, and one that follows it beside it", async () => {
    const statusOf = async (key: string) => {
      const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": key },
        body: JSON.stringify({ model: "deepseek-v3.2", messages: [] }),
      });
      return [answer.status, ((await answer.json()) as { error?: { code: string } }).error?.code];
    };
    const isLua = !config.includes("without");
    expect(await statusOf(expiring.old)).toEqual([
      ...[401, isLua ? "expired_api_key" : "invalid_api_key"],
    ]);
    expect(await statusOf(expiring.new)).toEqual([200, undefined]);
  });

  it("makes no difference between a closed model and one that does not exist", async () => {
    const refusal = async (model: string) => {
      const error = await ask("interns", model).catch((caught: unknown) => caught);
      const { status, error: body, headers } = error as InstanceType<typeof OpenAI.APIError>;
      const kept = [...(headers ?? [])]
        .map(([name, value]) => [name, value])
        .filter(
          ([name]) =>
            !/^(date|x-kong-|x-request-id|content-length|x-ratelimit|ratelimit)/.test(name!),
        );
      return JSON.parse(JSON.stringify({ status, body, kept }).replaceAll(model, "NAME"));
    };
    expect(await refusal("gpt-4")).toEqual(await refusal("gpt-5-preview"));
  });

  it("lets nobody come by an alias to a model that is denied", async () => {
    await expect(ask("europe", "fast")).rejects.toMatchObject({ code: "model_not_found" });
    await expect(ask("guests", "claude-anything")).rejects.toMatchObject({ status: 404 });
    expect((await ask("writers", "claude-anything")).data.object).toBe("chat.completion");
    expect(gateway.upstream.requests.map(({ model }) => model)).toEqual([
      "claude-sonnet-4-20250514",
    ]);
  });

  it("lowers what a client asks for to the limit of the model, and says so", async () => {
    const { response } = await ask("research", "gpt-4", { max_tokens: 5000 });
    expect(response.headers.get("x-llm-max-tokens")).toBe("1000");
    const second = await ask("research", "deepseek-v3.2", { max_completion_tokens: 51 });
    expect(second.response.headers.get("x-llm-max-tokens")).toBe("50");
    const third = await ask("research", "gpt-4", { max_tokens: 1000 });
    expect(third.response.headers.get("x-llm-max-tokens")).toBeNull();
    expect(gateway.upstream.requests.map(({ json }) => json)).toMatchObject([
      { max_tokens: 1000 },
      { max_completion_tokens: 50 },
      { max_tokens: 1000 },
    ]);
  });
});
