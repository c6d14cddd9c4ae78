// The operators' page behind real traffic: it agrees with the ledger, knows what failed and why, and shows
// nothing that was asked or answered.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Snapshot } from "../../page/snapshot";
import { runKongLlm } from "../support/command";
import { longBeforeMidnight } from "../support/day";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import { redisPatience, startRedis, type TestRedis } from "../support/redis";

const token = "token-of-the-tests-0123";
const words = "a question that nobody else may read";

describe.each(configurations)("the operators' page, with %s", (_, config) => {
  let gateway: Gateway;
  let redis: TestRedis;

  beforeAll(async () => {
    await longBeforeMidnight(120);
    redis = await startRedis();
    gateway = await startGateway({
      config,
      redis: redis.url,
      serverEnvironment: { KONG_LLM_PAGE_TOKEN: token },
      edit(config) {
        const place = { url: "{vault://env/redis-url}", ...redisPatience };
        config.options("usage").ledger = { policy: "redis", redis: place };
        config.options("rate_limit").requests = { month: 10 };
        config.whole.consumers.find(({ username }) => username === "other-app")!.tags = ["team-x"];
      },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await redis?.stop();
  });

  const ask = async (key: string, body: object) => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": key },
      body: JSON.stringify(body),
    });
    await answer.text();
    return answer.status;
  };
  const chat = (content: string, model = "gpt-4") => ({
    ...{ model, messages: [{ role: "user", content }], temperature: 0 },
  });
  const page = (query = "", headers: Record<string, string> = {}) =>
    fetch(`${gateway.pluginServer.healthUrl}/page${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
  const snapshot = async () => (await (await page("?format=json")).json()) as Snapshot;

  it("agrees with the ledger and the requests that were made", async () => {
    for (let n = 0; n < 8; n++) await ask(gateway.key, chat(`${words} ${n}`));
    expect(await ask(gateway.otherKey, chat(words))).toBe(200);
    const statuses = [];
    for (let n = 0; n < 4; n++) statuses.push(await ask(gateway.key, chat(`${words} again ${n}`)));
    expect(statuses).toEqual([200, 200, 429, 429]);
    expect(await ask(gateway.otherKey, chat(words, "stand-in-500"))).toBe(500);

    // What was read of the ledger is good for five seconds, and longer where that took long.
    const requests = async () => {
      const { use, requests } = await snapshot();
      return [use.state === "known" && use.total.today.requests, requests.length];
    };
    await expect.poll(requests, { timeout: 40_000, interval: 1000 }).toEqual([14, 14]);
    const told = await snapshot();
    if (told.use.state !== "known") throw new Error(told.use.state);

    const { stdout } = await runKongLlm([
      ...["usage", "--by", "consumer", "--redis-url", redis.url, "--format", "json"],
    ]);
    const { rows } = JSON.parse(stdout) as {
      rows: { consumer: string; requests: number; cost_usd: string }[];
    };
    const byName = (one: string[], other: string[]) => (one[0]! < other[0]! ? -1 : 1);
    const asTold = told.use.by.consumer.map(({ name, today }) => [
      ...[`${name}`, `${today.requests}`, `${today.cost_usd}`],
    ]);
    const asPrinted = rows.map(({ consumer, requests, cost_usd }) => [
      ...[consumer, `${requests}`, `${Number(cost_usd)}`],
    ]);
    expect(asTold.sort(byName)).toEqual(asPrinted.sort(byName));
    expect(asTold.map(([consumer, requests]) => [consumer, requests])).toEqual([
      ["demo-app", "12"],
      ["other-app", "2"],
    ]);
    expect(told.use.by.team.map(({ name, month }) => [name, month.requests]).sort()).toEqual([
      ["", 12],
      ["team-x", 2],
    ]);

    const failed = told.errors.failed.map(({ cause, count }) => ({ ...cause, count }));
    expect(failed).toEqual([
      { kind: "limit", status: 429, detail: "requests per month", count: 2 },
      { kind: "upstream", status: 500, detail: "", count: 1 },
    ]);
    expect(told.limits).toContainEqual(
      expect.objectContaining({ name: "demo-app", measure: "requests", limit: 10, used: 10 }),
    );
    expect(told.keys).toMatchObject([{ key: 0, rests: false }]);
    expect(Object.entries(told.neighbours).filter(([name]) => name.startsWith("redis"))).toEqual([
      [expect.stringContaining("127.0.0.1"), { ok: true, detail: "Redis is up." }],
    ]);
  });

  it("shows no prompt, answer or key, in neither language", async () => {
    for (const [query, language] of [
      ["", "en"],
      ["", "ko"],
      ["?format=json", "en"],
    ] as const) {
      const text = await (await page(query, { "accept-language": language })).text();
      expect(text).toContain("demo-app");
      for (const secret of [words, gateway.key, gateway.otherKey, gateway.upstreamKey, token]) {
        expect(text).not.toContain(secret);
      }
    }
  });

  it("is not there for who has another token, and outlives the plugin server", async () => {
    const stranger = await page("", { authorization: "Bearer another-token-0123456" });
    expect(stranger.status).toBe(401);
    await gateway.pluginServer.restart();
    // Instances, and with them the ledger, come with the first request.
    await expect.poll(() => ask(gateway.otherKey, chat("after the restart"))).toBe(200);
    const consumers = async () => {
      const { use } = await snapshot();
      return use.state === "known" ? use.by.consumer.map(({ name }) => name).sort() : use.state;
    };
    await expect
      .poll(consumers, { timeout: 40_000, interval: 1000 })
      .toEqual(["demo-app", "other-app"]);
  });
});
