// Personal data through the whole gateway: what the upstream gets, what the client gets, and what is left
// of it anywhere in between.

import { Redis } from "ioredis";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { type Gateway, startGateway } from "../support/gateway";
import type { KongConfig } from "../support/kong-config";
import { startRedis, type TestRedis } from "../support/redis";

const phone = "010-1234-5678";
const mail = "kim.minsu@example.com";
const card = "4111-1111-1111-1111";
const account = "국민은행 123456-78-901234";
const said = `제 번호는 ${phone} 이고 메일은 ${mail} 입니다`;
const secrets = [phone, mail, card, "123456-78-901234"];

const configurations = [
  ["llm-gateway", "kong.yaml"],
  ["the single plugins", "examples/single-plugins/kong.yaml"],
] as const;

/** Every key of a Redis with all that it holds. */
async function allIn({ url }: TestRedis): Promise<string> {
  const client = new Redis(url);
  const held: string[] = [];
  for (const key of await client.keys("*")) {
    const type = await client.type(key);
    const value =
      type === "string"
        ? await client.get(key)
        : type === "hash"
          ? await client.hgetall(key)
          : type === "zset" && (await client.zrange(key, "0", "-1"));
    held.push(key, JSON.stringify(value));
  }
  client.disconnect();
  return held.join("\n");
}

/** Switches the stage on, or adds its plugin. */
function withPrivacy(kong: KongConfig, options: object = {}): void {
  if (kong.plugin("llm-gateway"))
    Object.assign(kong.options("privacy"), { enabled: true, ...options });
  else kong.whole.services[0]!.plugins.push({ name: "llm-privacy", config: { ...options } });
}

describe.each(configurations)("personal data with %s", (_, config) => {
  let gateway: Gateway;
  let redis: TestRedis;
  let printed = "";

  beforeAll(async () => {
    redis = await startRedis();
    gateway = await startGateway({
      config,
      redis: redis.url,
      printed: (text) => {
        printed += text;
      },
      edit: (kong) => {
        kong.options("models").other_endpoints = ["files*"];
        withPrivacy(kong, {
          recognisers: [{ name: "card", action: "refuse" }],
          prompt_rules: [{ name: "no_weather", deny: ["(?i)weather"] }],
        });
      },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await redis?.stop();
  });
  beforeEach(() => gateway.upstream.clear());

  const post = (path: string, body: object | FormData, key = gateway.key) =>
    fetch(`${gateway.url}/v1/${path}`, {
      method: "POST",
      headers: {
        "x-api-key": key,
        ...(!(body instanceof FormData) && { "content-type": "application/json" }),
      },
      body: body instanceof FormData ? body : JSON.stringify(body),
    });
  const chat = (content: string, more: object = {}, key?: string) =>
    post(
      "chat/completions",
      { model: "gpt-4", messages: [{ role: "user", content }], ...more },
      key,
    );
  const sentUp = () => gateway.upstream.requests.map(({ url, body }) => url + body).join("\n");

  it("reaches no upstream, and comes back in the answer", async () => {
    const answer = await chat(said);
    expect(answer.status).toBe(200);
    const { choices } = (await answer.json()) as OpenAI.ChatCompletion;
    expect(choices[0]!.message.content).toBe(`gpt-4.1 heard: ${said}`);
    expect(sentUp()).toContain("제 번호는 [PHONE_1] 이고 메일은 [EMAIL_1] 입니다");
  });

  it("comes back in a stream, event for event as the upstream sends them", async () => {
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key });
    const stream = await openai.chat.completions.create({
      ...{ model: "gpt-4", stream: true, messages: [{ role: "user", content: `흐름 ${said}` }] },
    });
    let text = "";
    for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
    expect(text).toBe(`gpt-4.1 heard: 흐름 ${said}`);
    expect(sentUp()).not.toContain(phone);
  });

  it("comes back in the words of every API that says something back", async () => {
    const asked: [string, object][] = [
      ["completions", { prompt: said }],
      ["responses", { input: said, store: false }],
      ["responses", { input: said }],
      ["messages", { max_tokens: 100, messages: [{ role: "user", content: said }] }],
    ];
    for (const [path, body] of asked) {
      for (const stream of [false, true]) {
        const answer = await post(path, { model: "m", ...body, stream });
        const text = await answer.text();
        expect(answer.status, text).toBe(200);
        expect(text, path).not.toMatch(/\[?(?:PHONE|EMAIL)_/);
        expect(text, path).toContain(phone);
        expect(text, path).toContain(mail);
      }
    }
    for (const secret of secrets) expect(sentUp()).not.toContain(secret);
  });

  it("leaves in no request of any endpoint", async () => {
    const form = new FormData();
    form.set("model", "whisper-1");
    form.set("prompt", said);
    form.set("file", new Blob(["sound"]), "a.mp3");
    const asked: [string, object | FormData][] = [
      ["embeddings", { input: [said, mail] }],
      ["moderations", { input: said }],
      ["rerank", { query: said, documents: [account] }],
      ["images/generations", { prompt: said }],
      ["audio/speech", { input: said, voice: "alloy" }],
      ["messages/count_tokens", { messages: [{ role: "user", content: said }] }],
      ["audio/transcriptions", form],
    ];
    for (const [path, body] of asked) {
      const answer = await post(path, body instanceof FormData ? body : { model: "m", ...body });
      expect(answer.status, `${path} ${await answer.text()}`).toBe(200);
    }
    const up = sentUp();
    expect(up.match(/\[EMAIL_1\]/g)!.length).toBeGreaterThanOrEqual(asked.length - 1);
    for (const secret of secrets) expect(up).not.toContain(secret);
  });

  it("leaves in no later turn either, where an answer has given it back in other words", async () => {
    const number = "123456-78-901234";
    const messages = [
      { role: "user", content: `환불은 ${account} 로 해 주세요` },
      { role: "assistant", content: `${number}, 확인했습니다.` },
      { role: "user", content: `네, 그 ${number}입니다.` },
    ];
    const answer = await post("chat/completions", { model: "gpt-4", messages });
    expect(await answer.text()).toContain(`그 ${number}입니다.`);
    expect(sentUp()).not.toContain(number);
    expect(sentUp().match(/\[BANK_ACCOUNT_1\]/g)).toHaveLength(3);
  });

  it("is refused where it may not leave, in the caller's shape and without the text", async () => {
    const refused = await chat(`카드 ${card}`);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { code: "personal_data" } });
    const body = { model: "m", max_tokens: 9, messages: [{ role: "user", content: card }] };
    const anthropic = await post("messages", body);
    const text = await anthropic.text();
    expect(JSON.parse(text)).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error" },
    });
    expect(text).not.toContain("4111");
    const query = await post(`chat/completions?q=${encodeURIComponent(mail)}`, {
      ...{ model: "gpt-4", messages: [{ role: "user", content: "hello" }] },
    });
    expect(query.status).toBe(400);
    const ruled = await chat("What is the weather?");
    expect(await ruled.text()).toContain("no_weather");
    expect(gateway.upstream.requests).toHaveLength(0);
  });

  it("is filled in for each caller where the cache answers, JSON and stream", async () => {
    for (const stream of [false, true]) {
      const first = `캐시 ${stream} ${phone} ${mail}`;
      const other = `캐시 ${stream} 010-7777-8888 lee@example.com`;
      const live = await (await chat(first, { stream })).text();
      expect(live).toContain(phone);
      const hit = await gateway.untilHit(() => chat(first, { stream }));
      expect(await hit.text()).toBe(live);
      // Masked, the other request is the same one, and its values are its own.
      const theirs = await chat(other, { stream });
      expect(theirs.headers.get("x-cache-status")).toBe("Hit");
      const text = await theirs.text();
      expect(text).toContain("010-7777-8888");
      expect(text).toContain("lee@example.com");
      expect(text).not.toContain(phone);
      const elsewhere = await chat(first, { stream }, gateway.otherKey);
      expect(elsewhere.headers.get("x-cache-status")).toBe("Miss");
      await elsewhere.text();
    }
  });

  it("is in no Redis, log, usage line or metric, which count it", async () => {
    await (await chat(`끝 ${said} ${account}`)).text();
    await expect
      .poll(() => printed)
      .toMatch(/"personal_data":\{"phone":1,"email":1,"bank_account":1\}/);
    const lines = printed
      .split("\n")
      .filter(
        (line) => line.startsWith("{") && line.includes('"request_id"') && line.includes('"tags"'),
      )
      .map((line) => JSON.parse(line) as UsageLine);
    expect(lines.length).toBeGreaterThan(0);
    const kept = await allIn(redis);
    expect(kept).toContain("[PHONE_1]");
    const places = [kept, printed, gateway.kongLog(), await gateway.pluginServer.metrics()];
    for (const place of places) for (const secret of secrets) expect(place).not.toContain(secret);
    const found = { recogniser: "phone", action: "mask" };
    expect(await gateway.pluginServer.metric("llm_privacy_findings_total", found)).toBeGreaterThan(
      0,
    );
  });
});

describe("personal data without Lua files", () => {
  it("is refused where it could not come back, and masked where it shall not", async () => {
    const gateway = await startGateway({
      config: "examples/without-lua-files/kong.yaml",
      edit: (kong) => withPrivacy(kong),
    });
    const ask = () =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "x-api-key": gateway.key, "content-type": "application/json" },
        body: JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content: said }] }),
      });
    try {
      const refused = await ask();
      expect(refused.status).toBe(503);
      expect(await refused.text()).toContain("restore");
      expect(gateway.upstream.requests).toHaveLength(0);
      await gateway.reconfigure((kong) => withPrivacy(kong, { restore: false }));
      const masked = await ask();
      expect(masked.status).toBe(200);
      expect(await masked.text()).toContain("[PHONE_1]");
      expect(gateway.upstream.requests[0]?.body).not.toContain(phone);
    } finally {
      await gateway.stop();
    }
  });
});
