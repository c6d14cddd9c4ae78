import { register } from "prom-client";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { closeConnections } from "../../redis/connection";
import { log } from "../../stages/log";
import { prepareStage, type Stage } from "../../stages/stage";
import { alice, limited } from "../../test/support/limited";
import { startRedis, type TestRedis } from "../../test/support/redis";

let redis: TestRedis;
let namespaces = 0;

beforeAll(async () => {
  redis = await startRedis({ shared: true });
}, 60_000);
afterAll(async () => {
  closeConnections();
  await redis.stop();
});
beforeEach(() => {
  vi.spyOn(log, "info").mockImplementation(() => undefined);
});

// A request for gpt-4.1 reserves 1 x 10 + 99 x 20 = 1,990 millionths, one for deepseek 1 + 99 x 2 = 199.
const month = { cost_usd: { month: 0.01 } };
const on_share = [{ share: 0.9, model: "deepseek-v3.2" }];
const newNamespace = () => `on-share-${process.pid}-${++namespaces}`;

const pictures = { messages: [{ role: "user", content: [{ type: "image_url" }] }] };

/** Of gpt-4.1: so many millionths of a dollar. */
const worth = (millionths: number) => ({ input: millionths / 10, output: 0 });

describe.each(["local", "redis"] as const)("llm-rate-limit", (policy) => {
  const user = (options: object) => limited(options, policy === "redis" ? redis.url : undefined);
  const served = (asked: Awaited<ReturnType<ReturnType<typeof limited>["ask"]>>) =>
    asked.exchange.body!.get("model");

  describe(`at a share of a budget, counted by policy ${policy}`, () => {
    it("serves by the cheaper model from then on, and says so", async () => {
      const { ask } = user({ ...month, on_share });
      const first = await ask();
      expect(served(first)).toBe("gpt-4.1");
      await first.ends(worth(9000));
      const { exchange, headers, answer } = await ask();
      expect(answer).toBe(undefined);
      expect(exchange.body!.get("model")).toBe("deepseek-v3.2");
      expect(headers).toMatchObject({
        "X-LLM-Model": "deepseek-v3.2",
        "X-LLM-Fallback": "gpt-4.1",
        "X-LLM-Fallback-Reason": "budget-share",
      });
      expect(exchange.ticket).toMatchObject({
        model: { requested: "gpt-4.1", served: "deepseek-v3.2", fallback_from: "gpt-4.1" },
        limit: { decision: "allowed", moved_by: "cost_usd per month" },
        choice: { baseline: "gpt-4.1" },
      });
      // Reserved and settled at the price of the model that serves.
      expect(Number(headers["x-ratelimit-remaining-cost-usd"])).toBeCloseTo(0.001 - 0.000199, 9);
    });

    it("leaves what is under the share, and what comes back under it, as it is", async () => {
      const { ask } = user({ ...month, on_share });
      const first = await ask();
      await first.ends(worth(8990));
      const second = await ask({ max_tokens: 1 });
      expect(served(second)).toBe("gpt-4.1");
      // With what the second one has reserved the share is reached, until it has ended.
      const third = await ask({ max_tokens: 1 });
      expect(served(third)).toBe("deepseek-v3.2");
      await third.ends({ input: 0, output: 0 });
      await second.ends({ input: 0, output: 0 });
      expect(served(await ask({ max_tokens: 1 }))).toBe("gpt-4.1");
    });

    it("serves the first request of a node that knows nothing yet by the cheaper model too", async () => {
      const namespace = newNamespace();
      await (await user({ ...month, namespace }).ask()).ends(worth(9500));
      const fresh = user({ ...month, namespace, on_share });
      // Taken at the dearer price, where that has room: no second question is asked.
      const short = await fresh.ask({ max_tokens: 1 });
      expect(served(short)).toBe("deepseek-v3.2");
      await short.ends({ input: 5, output: 5 });
      expect(
        Number((await fresh.ask({ max_tokens: 1 })).headers["x-ratelimit-remaining-cost-usd"]),
      ).toBeCloseTo(0.0005 - 0.000015 - 0.000003, 9);
    });

    it("asks again where only the cheaper model has room", async () => {
      const namespace = newNamespace();
      await (await user({ ...month, namespace }).ask()).ends(worth(9500));
      const fresh = user({ ...month, namespace, on_share });
      const asked = await fresh.ask();
      expect(asked.answer).toBe(undefined);
      expect(served(asked)).toBe("deepseek-v3.2");
    });

    it("does not move on what limits the model alone: those of the other one hold", async () => {
      const namespace = newNamespace();
      const models = [
        { match: "gpt-*", requests: { month: 10 } },
        { match: "deepseek*", requests: { month: 1 } },
      ];
      const options = { ...month, models, on_share, namespace };
      await (await user({ ...month, namespace }).ask()).ends(worth(9500));
      const fresh = user(options);
      expect(served(await fresh.ask({ max_tokens: 1 }))).toBe("gpt-4.1");
      expect(served(await fresh.ask({ max_tokens: 1 }))).toBe("deepseek-v3.2");
      const { answer, error } = await fresh.ask({ max_tokens: 1 });
      expect(answer?.status).toBe(429);
      expect(error?.message).toContain("the models deepseek*");
    });
  });
});

describe("llm-rate-limit", () => {
  describe("at a share of a budget", () => {
    async function spentBy(options: object, body: object = {}, stages = {}, endpoint?: string) {
      const { ask } = limited({ cost_usd: { month: 1 }, on_share, ...options });
      await (await ask({ model: "gpt-4.1" })).ends(worth(950_000));
      const before = await counted();
      const asked = await ask({ max_tokens: 1, ...body }, alice, stages, endpoint);
      return { model: asked.exchange.body!.get("model"), moved: (await counted()) - before, asked };
    }

    async function counted(): Promise<number> {
      const { values } = await register.getSingleMetric("llm_rate_limit_on_share_total")!.get();
      return values.reduce((sum, { value }) => sum + value, 0);
    }

    it("counts what it moves, by the model that serves", async () => {
      expect(await spentBy({})).toMatchObject({ model: "deepseek-v3.2", moved: 1 });
    });

    it("takes the largest share that is reached, and the models that are named", async () => {
      const steps = [
        { share: 0.5, model: "deepseek-half" },
        { share: 0.9, model: "deepseek-most" },
        { share: 1, model: "deepseek-all" },
      ];
      expect((await spentBy({ on_share: steps })).model).toBe("deepseek-most");
      const named = [{ share: 0.9, model: "deepseek-v3.2", match: "claude-*" }];
      expect((await spentBy({ on_share: named })).model).toBe("gpt-4.1");
    });

    it.each([
      ["is dearer", "gpt-4.1", { model: "deepseek-v3.2" }],
      ["costs the same", "gpt-4.1", {}],
      ["has no price", "nobody-knows", {}],
      ["reads no pictures", "deepseek-v3.2", pictures],
      ["holds less", "deepseek-v3.2", { max_tokens: 200_000 }],
    ])("moves nothing to a model that %s", async (_, model, body) => {
      // An answer of gpt-4.1 costs next to nothing here, so that a long one has room.
      const prices = [
        { model: "gpt-4.1", input_usd_per_mtok: 10, output_usd_per_mtok: 0.0001 },
        { model: "deepseek*", input_usd_per_mtok: 1, output_usd_per_mtok: 0 },
      ];
      const spent = await spentBy({ prices, on_share: [{ share: 0.9, model }] }, body);
      expect(spent.asked.answer).toBe(undefined);
      expect(spent.moved).toBe(0);
    });

    it("moves no endpoint whose answers have no length to bound", async () => {
      const { model } = await spentBy({}, { max_tokens: undefined }, {}, "embeddings");
      expect(model).toBe("gpt-4.1");
    });

    it("moves nothing where the stages before do not let it", async () => {
      const closed: Stage<{ name: string }, null> = {
        ...{ name: "models" as const, guards: true, prepare: () => null },
        decide: () => undefined,
        permits: () => false,
      };
      const { options } = prepareStage(closed, { name: "on-share" });
      expect((await spentBy({}, {}, { models: { options } })).model).toBe("gpt-4.1");
    });

    it("names the budget of others without telling the client of it", async () => {
      const levels = [{ by: "team", cost_usd: { month: 1 } }];
      const { asked } = await spentBy({ cost_usd: {}, levels });
      expect(asked.exchange.ticket.limit?.moved_by).toBe("cost_usd per month of team");
      expect(JSON.stringify(asked.headers)).not.toContain("team");
    });

    it("changes no request of a dry run", async () => {
      expect((await spentBy({ dry_run: true })).model).toBe("gpt-4.1");
    });
  });
});
