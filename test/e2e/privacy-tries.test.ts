// Personal data where not the model that was asked for answers: where another provider steps in, and where
// a choice takes the model.

import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { models, provider, startTwoProviders, type TwoProviders } from "../support/two-providers";

const phone = "010-1234-5678";
const mail = "kim.minsu@example.com";
const said = `제 번호는 ${phone} 이고 메일은 ${mail} 입니다`;
const masked = "제 번호는 [PHONE_1] 이고 메일은 [EMAIL_1] 입니다";

// The second tier is for what is hard, and has a model of the other provider.
const choice = {
  name: "auto",
  tiers: [
    { name: "small", candidates: [{ model: models.a }] },
    { name: "strong", candidates: [{ model: `b/${models.b}` }] },
  ],
};

describe("personal data with two providers", () => {
  let both: TwoProviders;
  let printed = "";

  beforeAll(async () => {
    both = await startTwoProviders(
      (config, kong, [a]) => {
        config.privacy = { enabled: true };
        // The first of its models takes no `stop`.
        const thinker = { name: "thinker", target: "gpt-5-mini", fallbacks: [`b/${models.b}`] };
        (kong.options("models").aliases as object[]).push(thinker);
        (config.providers as object[])[0] = provider("a", a, { models: [models.a, "gpt-5-mini"] });
        config.route = { choices: [choice] };
        config.cache = { ...(config.cache as object), enabled: false };
      },
      {
        printed: (text) => {
          printed += text;
        },
      },
    );
  });
  afterAll(() => both?.stop());
  beforeEach(() => {
    both.a.clear();
    both.b.clear();
  });

  const post = (path: string, body: object) =>
    fetch(`${both.gateway.url}/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": both.gateway.key },
      body: JSON.stringify({ model: "gpt-4", ...body }),
    });
  const chat = (content: string, more: object = {}) =>
    post("chat/completions", { messages: [{ role: "user", content }], ...more });

  /** What both were sent, when the first had refused. */
  function sentToBoth(): string[] {
    const sent = [both.a, both.b].map(({ requests }) => requests.map(({ body }) => body));
    expect(sent.map(({ length }) => length)).toEqual([1, 1]);
    return sent.flat();
  }

  it.each([429, 503])(
    "is masked for the one that steps in after %i, and comes back in its answer",
    async (status) => {
      both.a.behave({ status });
      const answer = await chat(said);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("x-llm-tries")).toBe("2");
      const { choices } = (await answer.json()) as OpenAI.ChatCompletion;
      expect(choices[0]!.message.content).toBe(`${models.b} heard: ${said}`);
      for (const body of sentToBoth()) {
        expect(body).toContain(masked);
        expect(body).not.toContain(phone);
        expect(body).not.toContain(mail);
      }
      expect(both.b.requests[0]!.json).toEqual({ ...both.a.requests[0]!.json, model: models.b });
    },
  );

  it("is masked in what only the one that steps in is sent", async () => {
    both.a.behave({ status: 503 });
    const answer = await chat("hi", { model: "thinker", stop: [`to ${phone}`] });
    expect(answer.status).toBe(200);
    const [first, second] = [both.a, both.b].map(({ requests }) => requests[0]!.json);
    expect(first).not.toHaveProperty("stop");
    expect(second).toHaveProperty("stop", ["to [PHONE_1]"]);
  });

  it("comes back in the stream of the one that steps in", async () => {
    both.a.behave({ status: 503 });
    const openai = new OpenAI({
      baseURL: `${both.gateway.url}/v1`,
      apiKey: both.gateway.key,
      maxRetries: 0,
    });
    const stream = await openai.chat.completions.create({
      ...{ model: "gpt-4", stream: true, messages: [{ role: "user", content: said }] },
    });
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    expect(text).toBe(`${models.b} heard: ${said}`);
    for (const body of sentToBoth()) expect(body).toContain(masked);
  });

  it("has the same names in both tries where the conversation is stored upstream", async () => {
    both.a.behave({ status: 503 });
    const answer = await post("responses", { input: said });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain(said);
    const names = sentToBoth().map((body) => body.match(/\[PHONE_[0-9A-F]{10}\]/)?.[0]);
    expect(names[0]).toBeDefined();
    expect(names[1]).toBe(names[0]);
  });

  it("is in no error of the last one where both refuse", async () => {
    both.a.behave({ status: 503 });
    both.b.behave({ status: 503 });
    const answer = await chat(said);
    expect(answer.status).toBe(503);
    await answer.arrayBuffer();
    for (const body of sentToBoth()) expect(body).not.toContain(phone);
  });

  it.each([
    ["easy", "안녕하세요!", "small", models.a],
    ["hard", "Prove rigorously that this queue is linearizable.", "strong", models.b],
  ])("is masked for the model that a choice takes for what is %s", async (_, text, tier, model) => {
    const answer = await chat(`${text} ${said}`, { model: "auto" });
    expect(answer.headers.get("x-llm-route")).toContain(`tier=${tier}`);
    const { choices } = (await answer.json()) as OpenAI.ChatCompletion;
    expect(choices[0]!.message.content).toBe(`${model} heard: ${text} ${said}`);
    const sent = [...both.a.requests, ...both.b.requests];
    expect(sent.map(({ model }) => model)).toEqual([model]);
    expect(sent[0]!.body).toContain(`${text} ${masked}`);
    expect(sent[0]!.body).not.toContain(phone);
  });

  it("is in no log of all that", () => {
    for (const place of [printed, both.gateway.kongLog()]) {
      expect(place).not.toContain(phone);
      expect(place).not.toContain(mail);
    }
  });
});
