// Who has used what: the ledger agrees with the usage lines and with what callers and operators are told.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { runKongLlm } from "../support/command";
import { longBeforeMidnight } from "../support/day";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

describe.each(configurations)("who has used what, with %s", (name, config) => {
  let gateway: Gateway;
  let redis: TestRedis;
  let printed = "";

  beforeAll(async () => {
    await longBeforeMidnight(120);
    redis = await startRedis();
    gateway = await startGateway({
      config,
      redis: redis.url,
      printed: (text) => {
        printed += text;
      },
      edit(config) {
        Object.assign(config.options("usage"), {
          tags: [{ name: "feature", header: "X-Feature", member: "metadata.feature" }],
          ledger: {
            policy: "redis",
            redis: { url: "{vault://env/redis-url}", ...redisPatience },
            by: ["team", "end_user", "model", "provider", "endpoint", "tags"],
          },
        });
        config.options("rate_limit").cost_usd = { month: 100 };
      },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await redis?.stop();
  });

  const ask = (path: string, key: string, body?: object, headers: Record<string, string> = {}) =>
    fetch(gateway.url + path, {
      method: body ? "POST" : "GET",
      headers: { "content-type": "application/json", "x-api-key": key, ...headers },
      body: body && JSON.stringify(body),
    });
  const chat = (content: string, more: object = {}) => ({
    ...{ model: "gpt-4", messages: [{ role: "user", content }], temperature: 0 },
    ...more,
  });
  // biome-ignore lint/suspicious/noExplicitAny: what it is, is what is asked here
  const json = async (answer: Response) => (await answer.json()) as any;
  const lines = () =>
    printed
      .split("\n")
      .filter((line) => line.startsWith('{"time"'))
      .map((line) => JSON.parse(line) as UsageLine);

  it("is kept for each consumer, model and tag, to the nano-dollar", async () => {
    for (let n = 0; n < 5; n++) {
      const answer = await ask(
        ...([
          "/v1/chat/completions",
          gateway.key,
          chat(`question ${n}`, { user: "alice" }),
        ] as const),
        { "x-feature": "search" },
      );
      expect(answer.status).toBe(200);
      await answer.text();
    }
    const metadata = { feature: "chat" };
    await (await ask("/v1/chat/completions", gateway.otherKey, chat("other", { metadata }))).text();
    await gateway.untilHit(() => ask("/v1/chat/completions", gateway.key, chat("question 0")));
    const from = (wanted: UsageLine["source"]) =>
      lines().filter(({ source }) => source === wanted).length;
    await expect.poll(() => [from("service"), from("cache")]).toEqual([6, 1]);

    const flags = ["--redis-url", redis.url, "--format", "json"];
    const by = ["--by", "consumer,model,provider,endpoint,tag:feature"];
    let stdout = "";
    const total = async () => {
      ({ stdout } = await runKongLlm(["usage", ...by, ...flags]));
      return JSON.parse(stdout).total.requests;
    };
    // The ledger is written beside the lines.
    await expect.poll(total).toBe(7);
    const told = JSON.parse(stdout);
    const nano = (usd: number | null) => Math.round((usd ?? 0) * 1e9);
    const sum = (some: UsageLine[], cost: (line: UsageLine) => number | null) =>
      some.reduce((all, line) => all + nano(cost(line)), 0);
    expect(nano(Number(told.total.cost_usd))).toBe(sum(lines(), (line) => line.cost_usd));
    expect(nano(Number(told.total.saved_by_cache_usd))).toBe(
      sum(lines(), (line) => line.saved_usd),
    );
    expect(lines()).toHaveLength(7);
    const where = { model: "gpt-4.1", provider: "llm-upstream", endpoint: "chat/completions" };
    expect(told.rows).toContainEqual(
      expect.objectContaining({
        ...{ consumer: "demo-app", ...where, "tag:feature": "search", requests: 5 },
      }),
    );
    expect(told.rows).toContainEqual(
      expect.objectContaining({ consumer: "other-app", "tag:feature": "chat", requests: 1 }),
    );
    expect(lines().map(({ tags }) => tags)).toContainEqual({ feature: "search" });
    expect(printed + stdout).not.toContain("alice");
  });

  it("is told to the caller: its own, its limits, its models with their prices", async () => {
    const answer = await ask("/v1/usage", gateway.otherKey);
    expect(answer.status).toBe(200);
    const { consumer, use, limits, models } = await json(answer);
    expect([consumer, use.today.requests, use.month.requests]).toEqual(["other-app", 1, 1]);
    const cost = lines().find((line) => line.consumer === "other-app")!.cost_usd;
    expect(use.month.cost_usd).toBe(cost);
    if (name === "the single plugins") return expect([limits, models]).toEqual([null, null]);
    expect(limits).toContainEqual({
      ...{ of: "consumer", measure: "cost_usd", window: "month", model: null },
      ...{ limit: 100, used: cost, remaining: expect.closeTo(100 - cost!, 9) },
      free_in_seconds: expect.any(Number),
    });
    expect(models).toContainEqual({
      id: "gpt-4",
      served_by: [{ model: "gpt-4.1", price: expect.objectContaining({ input_usd_per_mtok: 8 }) }],
    });
  });

  it("refuses other methods, and who is not known, in the words of the client", async () => {
    expect((await ask("/v1/usage", "no-such-key")).status).toBe(401);
    const posted = await ask("/v1/usage", gateway.key, { model: "gpt-4" });
    expect([posted.status, (await json(posted)).error.code]).toEqual([404, "unknown_endpoint"]);
    const anthropic = { "anthropic-version": "2023-06-01" };
    const refused = await ask("/v1/usage", gateway.key, {}, anthropic);
    expect((await json(refused)).error.type).toBe("not_found_error");
  });
});
