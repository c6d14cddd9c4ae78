import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { KongConfig } from "../support/kong-config";
import { models, startTwoProviders, type TwoProviders } from "../support/two-providers";

const patience = { timeout: 30_000 };

let serial = 0;

function ask({ gateway }: TwoProviders, model: string): Promise<Response> {
  const messages = [{ role: "user", content: `question ${++serial}` }];
  return fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: JSON.stringify({ model, messages }),
  });
}

/** As OpenAI tells it. */
const left = (requests: number, tokens = 1_000_000_000) => ({
  "x-ratelimit-remaining-requests": String(requests),
  "x-ratelimit-reset-requests": "10m0s",
  "x-ratelimit-remaining-tokens": String(tokens),
  "x-ratelimit-reset-tokens": "10m0s",
});

const anthropicLeft = (requests: number) => ({
  "anthropic-ratelimit-requests-remaining": String(requests),
  "anthropic-ratelimit-requests-reset": new Date(Date.now() + 600_000).toISOString(),
});

/** Aliases whose targets are one model at both providers, each for one test: nothing is known of it. */
const shared = (model: string) => ({
  name: model,
  targets: [
    { model: `a/${model}`, weight: 1 },
    { model: `b/${model}`, weight: 1 },
  ],
});

const providerOf = ({ headers }: Response) => headers.get("x-llm-provider");

describe("what the upstream says is left", () => {
  let both: TwoProviders;

  beforeAll(async () => {
    both = await startTwoProviders((config, kong: KongConfig) => {
      const [first, second] = config.providers as Record<string, unknown>[];
      const keys = [
        { value: "sk-one", weight: 1000 },
        { value: "sk-two", weight: 1 },
      ];
      config.providers = [
        { ...first, models: ["*"] },
        { ...second, models: ["*"] },
        { ...first, name: "many", models: ["*"], keys },
      ];
      config.second_tries = { most: 0 };
      kong.options("models").aliases = [
        ...["most-left", "spent", "both-spent", "says-nothing"].map(shared),
        { name: "gpt-4", target: models.a, fallbacks: [`b/${models.b}`] },
        { name: "keyed", target: "many/keyed" },
      ];
    });
  });
  afterAll(() => both?.stop());
  beforeEach(() => {
    both.a.clear();
    both.b.clear();
  });

  /** Until both providers have told. */
  async function hearBoth(model: string): Promise<void> {
    await Promise.all(["a", "b"].map((name) => ask(both, `${name}/${model}`)));
  }

  it("sends requests to the provider that has most", async () => {
    both.a.behave({ headers: left(100_000) });
    both.b.behave({ headers: anthropicLeft(200_000) });
    await hearBoth("most-left");
    await expect.poll(async () => providerOf(await ask(both, "most-left")), patience).toBe("b");
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(both, "most-left")));
    expect(new Set(answers.map(providerOf))).toEqual(new Set(["b"]));
    expect(answers[0]?.headers.get("x-llm-fallback")).toBeNull();
    expect(answers[0]?.headers.get("anthropic-ratelimit-requests-remaining")).toBeNull();

    both.a.behave({ headers: left(300_000) });
    await ask(both, "a/most-left");
    await expect.poll(async () => providerOf(await ask(both, "most-left")), patience).toBe("a");
  });

  it("is nothing: then it is asked no more, and a fallback serves", async () => {
    both.a.behave({ headers: left(1000, 0) });
    await ask(both, "gpt-4");
    await expect.poll(async () => providerOf(await ask(both, "gpt-4")), patience).toBe("b");
    both.a.requests.length = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(both, "gpt-4")));
    expect(new Set(answers.map(providerOf))).toEqual(new Set(["b"]));
    expect(answers[0]?.headers.get("x-llm-fallback")).toBe(`a/${models.a}`);
    expect(both.a.requests).toEqual([]);
  });

  it("is nothing at both: nobody is locked out", async () => {
    both.a.behave({ headers: left(0) });
    both.b.behave({ headers: left(0) });
    await hearBoth("both-spent");
    expect((await ask(both, "both-spent")).status).toBe(200);
  });

  it("is nothing for one key: then another one goes out", async () => {
    const one = ({ headers }: { headers: { authorization?: string } }) =>
      headers.authorization === "Bearer sk-one";
    both.a.behave({ match: one, headers: left(0) });
    const sent = async () => {
      both.a.requests.length = 0;
      await Promise.all(Array.from({ length: 20 }, () => ask(both, "keyed")));
      return new Set(both.a.requests.map(({ headers }) => headers.authorization));
    };
    await expect.poll(sent, patience).toEqual(new Set(["Bearer sk-two"]));
  });

  it("is nothing that can be read: then weights decide, and nobody is refused", async () => {
    const nonsense = {
      "x-ratelimit-remaining-requests": "many",
      "x-ratelimit-reset-requests": "?",
    };
    both.a.behave({ headers: nonsense });
    both.b.behave({ headers: { "x-ratelimit-remaining-tokens": "9".repeat(300) } });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(both, "says-nothing")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(providerOf)).size).toBe(1);
  });
});

describe("what the upstream says is left as it refuses a try", () => {
  let both: TwoProviders;

  beforeAll(async () => {
    both = await startTwoProviders((config) => {
      const [first, second] = config.providers as Record<string, unknown>[];
      const keys = [
        { value: "sk-one", weight: 1000 },
        { value: "sk-two", weight: 1 },
      ];
      config.providers = [{ ...first, keys }, second];
    });
  });
  afterAll(() => both?.stop());

  it("is known of its key: none goes out with that before the reset, also after its Retry-After", async () => {
    const one = ({ headers }: { headers: { authorization?: string } }) =>
      headers.authorization === "Bearer sk-one";
    both.a.behave({ match: one, status: 429, retryAfter: "0", headers: left(0) });
    const first = async () => {
      const { status, headers } = await ask(both, models.a);
      return [status, headers.get("x-llm-tries")];
    };
    await expect.poll(first, patience).toEqual([200, "2"]);
    const sent = async () => {
      both.a.requests.length = 0;
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(both, models.a)));
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
      return both.a.requests.map(({ headers }) => headers.authorization);
    };
    await expect.poll(sent, patience).toEqual(Array(20).fill("Bearer sk-two"));
  });
});
