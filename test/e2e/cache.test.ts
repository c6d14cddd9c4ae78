import { request } from "node:http";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configurations, type Gateway, startGateway } from "../support/gateway";

describe.each(configurations)("the cache of %s", (_, config) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({ config });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  function ask(content: string, key = gateway.key, headers: Record<string, string> = {}) {
    return fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": key, ...headers },
      body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content }] }),
    });
  }

  it("answers a second equal request, which never reaches the upstream", async () => {
    const first = await ask("say it again");
    expect(first.headers.get("x-cache-status")).toBe("Miss");
    const text = await first.text();

    const second = await gateway.untilHit(() => ask("say it again"));
    expect(second.status).toBe(200);
    expect(await second.text()).toBe(text);
    expect(Number(second.headers.get("age"))).toBeGreaterThanOrEqual(0);
    expect(second.headers.get("x-cache-key")).toBe(first.headers.get("x-cache-key"));
    expect(second.headers.get("x-llm-source")).toBe("cache");
    expect(second.headers.get("x-llm-model")).toBe("gpt-4.1");
    expect(second.headers.has("x-ratelimit-remaining-minute")).toBe(true);
    expect(gateway.upstream.requests).toHaveLength(1);
  });

  it("answers an OpenAI SDK as the upstream did", async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key });
    const asked = {
      model: "gpt-4",
      messages: [{ role: "user" as const, content: "through the SDK" }],
    };
    const live = await openai.chat.completions.create(asked);
    const hit = await gateway.untilHit(
      async () => (await openai.chat.completions.create(asked).withResponse()).response,
    );
    expect(hit.headers.get("x-cache-status")).toBe("Hit");
    expect(await openai.chat.completions.create(asked)).toEqual(live);
  });

  it("never shares between two tenants", async () => {
    await (await ask("mine alone")).text();
    await gateway.untilHit(() => ask("mine alone"));
    const other = await ask("mine alone", gateway.otherKey);
    expect(other.headers.get("x-cache-status")).toBe("Miss");
    expect(gateway.upstream.requests).toHaveLength(2);
  });

  it("stores no error", async () => {
    gateway.upstream.behave({ status: 500, times: 1 });
    expect((await ask("fails once")).status).toBe(500);
    const second = await ask("fails once");
    expect(second.status).toBe(200);
    expect(second.headers.get("x-cache-status")).toBe("Miss");
  });

  it("stores nothing for a request that says no-store", async () => {
    const asked = () => ask("keep nothing", gateway.key, { "cache-control": "no-store" });
    expect((await asked()).headers.get("x-cache-status")).toBe("Bypass");
    expect((await asked()).headers.get("x-cache-status")).toBe("Bypass");
    expect(gateway.upstream.requests).toHaveLength(2);
  });

  it("stores nothing where a second Cache-Control says no-store, as one behind a proxy's", async () => {
    const asked = () =>
      new Promise((resolve, reject) => {
        const sent = request(`${gateway.url}/v1/chat/completions`, { method: "POST" });
        sent.setHeader("x-api-key", gateway.key);
        sent.setHeader("content-type", "application/json");
        sent.setHeader("cache-control", ["max-age=600", "no-store"]);
        sent.on("response", (response) =>
          response.resume().on("end", () => resolve(response.headers)),
        );
        sent.on("error", reject);
        sent.end(JSON.stringify({ model: "gpt-4", messages: [] }));
      });
    expect(await asked()).toMatchObject({ "x-cache-status": "Bypass" });
    expect(await asked()).toMatchObject({ "x-cache-status": "Bypass" });
  });

  it("costs a hit no tokens", async () => {
    const { metric } = gateway.pluginServer;
    const tokens = () => metric("llm_tokens_total", { model: "gpt-4.1" });
    const hits = () => metric("llm_cache_requests_total", { status: "hit" });
    await (await ask("only once paid")).text();
    await gateway.untilHit(() => ask("only once paid"));
    await gateway.untilLearned();
    const [paid, before] = [await tokens(), await hits()];
    expect((await ask("only once paid")).headers.get("x-cache-status")).toBe("Hit");
    await expect.poll(hits).toBeGreaterThan(before);
    expect(await tokens()).toBe(paid);
  });
});
