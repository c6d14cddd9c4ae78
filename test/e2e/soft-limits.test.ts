import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signature } from "../../plugins/llm-rate-limit/deliver";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import { startRedis, type TestRedis } from "../support/redis";

const secret = "whsec_c2VjcmV0IG9mIGEgdGVzdCwgbm9ib2R5J3M=";
const cheap = "deepseek-chat-v3-0324";

interface Got {
  body: string;
  headers: Record<string, unknown>;
}

describe.each(configurations)("before a budget of %s is spent", (_, config) => {
  let gateway: Gateway;
  let redis: TestRedis;
  let receiver: Server;
  let printed = "";
  const got: Got[] = [];

  beforeAll(async () => {
    receiver = createServer(async (request, response) => {
      let body = "";
      for await (const part of request) body += part;
      got.push({ body, headers: request.headers });
      response.end();
    });
    await new Promise<void>((up) => receiver.listen(0, "127.0.0.1", up));
    redis = await startRedis();
    gateway = await startGateway({
      config,
      redis: redis.url,
      printed: (text) => {
        printed += text;
      },
      environment: {
        BUDGET_WEBHOOK: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
        BUDGET_WEBHOOK_SECRET: secret,
      },
      edit(kong) {
        kong.limit({});
        Object.assign(kong.options("rate_limit"), {
          cost_usd: { month: 0.05 },
          notices: [
            {
              url: "{vault://env/budget-webhook}",
              secret: "{vault://env/budget-webhook-secret}",
              ...{ measures: ["cost_usd"], shares: [0.5, 0.8] },
            },
          ],
          on_share: [{ share: 0.9, model: cheap, match: "gpt-*" }],
        });
      },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await redis?.stop();
    await new Promise((closed) => receiver.close(closed));
  });

  const ask = (question: string) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": gateway.key },
      body: JSON.stringify({
        ...{ model: "gpt-4", max_tokens: 16 },
        messages: [{ role: "user", content: `${"word ".repeat(250)}${question}` }],
      }),
    });

  // Some twentieth of the budget each, one after the other.
  it("the cheaper model serves what is left, and says so", async () => {
    let answer = await ask("0");
    for (let n = 1; n < 60 && !answer.headers.has("x-llm-fallback"); n++) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-llm-model")).toMatch(/^gpt-/);
      await answer.arrayBuffer();
      answer = await ask(`${n}`);
    }
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-llm-model")).toBe(cheap);
    expect(answer.headers.get("x-llm-fallback")).toMatch(/^gpt-/);
    expect(answer.headers.get("x-llm-fallback-reason")).toBe("budget-share");
    await answer.arrayBuffer();
    expect(gateway.upstream.requests.at(-1)!.model).toBe(cheap);

    const lines = () =>
      printed
        .split("\n")
        .filter((line) => line.startsWith('{"time"') && line.endsWith("}"))
        .map((line) => JSON.parse(line) as UsageLine);
    await expect
      .poll(() => lines().find(({ model }) => model === cheap))
      .toMatchObject({ moved_by: "cost_usd per month", limit: "allowed" });
  });

  it("a webhook is told once for a share, by an address and a secret from Kong's vault", async () => {
    const shares = () => got.map(({ body }) => JSON.parse(body).data.share as number);
    await expect.poll(shares).toContain(0.8);
    expect(new Set(shares()).size).toBe(got.length);
    const { body, headers } = got[shares().indexOf(0.8)]!;
    expect(JSON.parse(body)).toMatchObject({
      type: "limit.share_reached",
      data: { level: "consumer", measure: "cost_usd", window: "month", limit: 0.05 },
    });
    const at = Number(headers["webhook-timestamp"]) * 1000;
    expect(headers).toMatchObject(signature(secret, String(headers["webhook-id"]), at, body));
    expect(printed).not.toContain(secret.slice("whsec_".length));
  });
});
