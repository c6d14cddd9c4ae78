import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestBody } from "../../openai/request-body";
import { adopt, targetName } from "../../stages/allowances";
import type { Exchange } from "../../stages/exchange";
import type { Outcome } from "../../stages/outcome";
import { type PreparedStage, prepareStage } from "../../stages/stage";
import { knownHere } from "./cooldowns-in-memory";
import { paceOf } from "./pace";
import { modelsOptions } from "./schema";
import { stage } from "./stage";

const start = 1_000_000;
const cool = { sentAt: start, endedAt: start, coolMs: 600_000, atOnce: true };
const once = { failures: 1, windowMs: 1000 };
const price = (model: string, input: number, output = input) => ({
  ...{ model, input_usd_per_mtok: input, output_usd_per_mtok: output },
});

let serial = 0;
let service: string;

// What is known of targets outlives configs, so each case has a service of its own.
const begin = () => {
  service = `balance-${++serial}`;
};

beforeEach(() => {
  begin();
  vi.useFakeTimers({ toFake: ["Date"], now: start });
});
afterEach(() => void vi.useRealTimers());

interface Asked extends Exchange {
  note: unknown;
}

function balancing(balance: string, targets: (string | object)[], more: object = {}) {
  const named = targets.map((one) => (typeof one === "string" ? { model: one } : one));
  const aliases = [{ name: "chat", balance, targets: named, ...more }];
  const prices = [price("cheap", 1), price("middling", 2), price("dear", 3)];
  const defaults = { temperature: -1, max_tokens: 0 };
  return prepareStage(stage, modelsOptions.parse({ aliases, prices, defaults }));
}

async function ask(models: PreparedStage, more: object = {}, endpoint = "chat/completions") {
  const id = `r-${++serial}`;
  const body = RequestBody.parse(JSON.stringify({ model: "chat", messages: [], ...more }));
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  const exchange: Exchange = {
    request: { id, method: "POST", path: `/v1/${endpoint}`, client_ip: "192.0.2.1", service },
    ...{ consumer: undefined, body, upstreamHeaders: {}, responseHeaders: {}, keep: 0 },
    ticket: {
      ...{ id, started_at: 0, method: "POST", endpoint, stages: {} },
      stream: body.get("stream") === true,
    },
  };
  const decided = await models.decide(exchange);
  return { ...exchange, note: decided?.note } satisfies Asked;
}

async function end(models: PreparedStage, asked: Asked, afterMs: number, more: object = {}) {
  vi.setSystemTime(Date.now() + afterMs);
  await models.learn(
    {
      ...{ ticket: asked.ticket, status: 200, source: "service", complete: true, truncated: false },
      ...{ content_type: "application/json", started_at: 0 },
      body: Buffer.from('{"choices":[{"message":{"content":"hi"}}]}'),
      ...{ first_byte_at: Date.now(), ended_at: Date.now() + 5000 },
      ...more,
    } as Outcome,
    asked.note,
  );
}

const served = ({ ticket }: Asked) => ticket.model?.served;
const spend = (model: string) =>
  adopt(targetName(service, model), {
    key: [0, 1],
    allowance: { requests: { left: 0, resetAt: start + 600_000 }, heardAt: ++serial },
  });
const pace = (model: string, ms: number) =>
  knownHere.paces.hear(targetName(service, model), "whole", paceOf(ms, start));

describe("llm-models › least_latency", () => {
  it("sends each request where the first byte came soonest, once all were tried", async () => {
    const models = balancing("least_latency", ["slow", "fast"]);
    for (let tried = 0; tried < 2; tried++) {
      const asked = await ask(models);
      await end(models, asked, served(asked) === "slow" ? 900 : 100);
    }
    for (let at = 0; at < 20; at++) expect(served(await ask(models))).toBe("fast");
  });

  it("sends them elsewhere when that one has become slow", async () => {
    const models = balancing("least_latency", ["slow", "fast"]);
    pace("slow", 900);
    pace("fast", 100);
    const asked = await ask(models);
    expect(served(asked)).toBe("fast");
    await end(models, asked, 5000);
    expect(served(await ask(models))).toBe("slow");
  });

  it.each([
    ["an error", { status: 503 }],
    ["a refusal of the request", { status: 400 }],
    ["the cache", { source: "cache" }],
    ["nobody, as the client left", { status: 499, cut_by: "client", source: "exit" }],
  ])("learns nothing of an answer that is of %s", async (_, more) => {
    const models = balancing("least_latency", ["slow", "fast"]);
    const asked = await ask(models);
    await end(models, asked, 10, more);
    expect(knownHere.paces.of(targetName(service, served(asked)!), "whole")).toBeUndefined();
  });

  it("does not count the time of tries that failed before", async () => {
    const models = balancing("least_latency", ["slow", "fast"]);
    const asked = await ask(models);
    const began = Date.now() + 700;
    const tries = [
      { address: "192.0.2.1:443", started_at: Date.now(), state: "failed", status: 503 },
      { address: "192.0.2.2:443", started_at: began },
    ];
    await end(models, asked, 900, { tries });
    const known = knownHere.paces.of(targetName(service, served(asked)!), "whole");
    expect(known).toMatchObject({ sum: 200, weight: 1 });
  });

  it("does not count the time in which a request waited for the answer of an equal one", async () => {
    const models = balancing("least_latency", ["slow", "fast"]);
    const asked = await ask(models);
    asked.ticket.held_until = Date.now() + 850;
    await end(models, asked, 900);
    const known = knownHere.paces.of(targetName(service, served(asked)!), "whole");
    expect(known).toMatchObject({ sum: 50, weight: 1 });
  });

  it("shares what one caller asks between equals, by their weights", async () => {
    const models = balancing("least_latency", [
      { model: "a", weight: 3 },
      { model: "b", weight: 1 },
      { model: "off", weight: 0 },
    ]);
    for (const model of ["a", "b", "off"]) pace(model, 100);
    const counts: Record<string, number> = { a: 0, b: 0 };
    for (let at = 0; at < 400; at++) counts[served(await ask(models))!]!++;
    expect(counts.a! + counts.b!).toBe(400);
    expect(counts.a).toBeGreaterThan(counts.b! * 2);
    expect(counts.b).toBeGreaterThan(40);
  });

  it("says nothing of a fallback where another target than before is the soonest", async () => {
    const models = balancing("least_latency", ["a", "b"], { fallbacks: ["c"] });
    pace("a", 900);
    pace("b", 100);
    const asked = await ask(models);
    expect(asked.responseHeaders).toEqual({ "X-LLM-Model": "b" });
  });

  it("goes by what all targets are, one model or several, and to a fallback last", async () => {
    const models = balancing("least_latency", ["a", "b"], { fallbacks: ["c"] });
    pace("a", 100);
    pace("b", 900);
    await knownHere.fail(targetName(service, "a"), cool, once);
    expect(served(await ask(models))).toBe("b");
    spend("b");
    expect(served(await ask(models))).toBe("c");
  });
});

describe("llm-models › least_cost", () => {
  it("sends a request to the cheapest, and one without a price is the dearest", async () => {
    const models = balancing("least_cost", ["unpriced", "dear", "cheap", "middling"]);
    expect(served(await ask(models))).toBe("cheap");
    const odd = balancing("least_cost", ["unpriced", "dear"]);
    expect(served(await ask(odd))).toBe("dear");
  });

  it.each([
    ["a short prompt and a long answer", {}, "dear-prompt"],
    [
      "a long prompt and a short answer",
      { prompt: "word ".repeat(9000), max_tokens: 1 },
      "dear-answer",
    ],
  ])("reckons with %s", async (_, { prompt = "hi", ...more }: { prompt?: string }, expected) => {
    const aliases = [
      {
        name: "chat",
        balance: "least_cost",
        targets: [{ model: "dear-prompt" }, { model: "dear-answer" }],
      },
    ];
    const prices = [price("dear-prompt", 10, 1), price("dear-answer", 1, 10)];
    const models = prepareStage(stage, modelsOptions.parse({ aliases, prices }));
    const messages = [{ role: "user", content: prompt }];
    expect(served(await ask(models, { messages, ...more }))).toBe(expected);
  });

  it("goes by the prices of each provider of one model", async () => {
    const providers = ["a", "b"].map((name) => ({ name, url: `https://${name}.example` }));
    const targets = [{ model: "a/same" }, { model: "b/same" }];
    const aliases = [{ name: "chat", balance: "least_cost", targets }];
    const prices = [price("b/same", 1), price("same", 2)];
    const options = modelsOptions.parse({ providers, aliases, prices });
    const asked = await ask(prepareStage(stage, options));
    expect([served(asked), asked.ticket.provider]).toEqual(["same", "b"]);
  });

  it("reckons with pictures where these are what is paid", async () => {
    const aliases = [
      {
        name: "chat",
        balance: "least_cost",
        targets: [{ model: "by-token" }, { model: "by-one" }],
      },
    ];
    const prices = [
      { ...price("by-token", 0), image_usd: 0.04 },
      { ...price("by-one", 0), image_usd: 0.01 },
    ];
    const models = prepareStage(stage, modelsOptions.parse({ aliases, prices }));
    const asked = await ask(models, { prompt: "a house", n: 2 }, "images/generations");
    expect(served(asked)).toBe("by-one");
  });

  it("lets the weights decide between those that cost the same", async () => {
    const models = balancing("least_cost", [
      { model: "unpriced", weight: 1 },
      { model: "unknown", weight: 1_000_000 },
    ]);
    expect(served(await ask(models))).toBe("unknown");
  });
});

describe("llm-models › any balance", () => {
  const names = ["cheap", "middling", "dear", "unpriced"];
  const usd = (name: string) =>
    name === "unpriced" ? Number.POSITIVE_INFINITY : names.indexOf(name);
  const target = fc.record({
    state: fc.constantFrom("well", "well", "cooling", "spent"),
    ms: fc.integer({ min: 1, max: 5000 }),
  });

  it("takes no target that cools or is spent while another is open, and the best of the open", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("weight", "least_latency", "least_cost"),
        fc.tuple(target, target, target, target),
        async (balance, all) => {
          begin();
          const states = Object.fromEntries(names.map((name, at) => [name, all[at]!]));
          for (const [name, { state, ms }] of Object.entries(states)) {
            pace(name, ms);
            if (state === "spent") spend(name);
            if (state === "cooling") await knownHere.fail(targetName(service, name), cool, once);
          }
          const chosen = served(await ask(balancing(balance, names)))!;
          const open = names.filter((name) => states[name]!.state === "well");
          if (balance === "weight" || open.length === 0) return names.includes(chosen);
          const best = Math.min(
            ...open.map((name) => (balance === "least_cost" ? usd(name) : states[name]!.ms)),
          );
          const isBest =
            balance === "least_cost"
              ? usd(chosen) === best
              : states[chosen]!.ms <= Math.max(best * 1.1, best + 20);
          return open.includes(chosen) && isBest;
        },
      ),
      { numRuns: 300 },
    );
  });
});
