import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import OpenAI, { AzureOpenAI } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { configurations, type Gateway, startGateway } from "../support/gateway";

describe.each(configurations)("a request through %s", (_, config) => {
  let gateway: Gateway;
  let openai: OpenAI;

  beforeAll(async () => {
    gateway = await startGateway({ config });
    openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  function post(path: string, body: string, headers: Record<string, string> = {}) {
    const given = { "content-type": "application/json", "x-api-key": gateway.key, ...headers };
    return fetch(gateway.url + path, { method: "POST", headers: given, body });
  }

  const chat = (content: string) => ({
    model: "gpt-4",
    messages: [{ role: "user" as const, content }],
  });

  it("reaches the upstream once, with its model, its key and nothing of the client's", async () => {
    const answer = await openai.chat.completions.create(chat("who am I upstream?"));

    expect(answer.choices[0]?.message.content).toContain("gpt-4.1");
    const [request, ...others] = gateway.upstream.requests;
    expect(others).toEqual([]);
    expect(request?.url).toBe("/v1/chat/completions");
    expect(request?.json).toEqual({
      ...chat("who am I upstream?"),
      model: "gpt-4.1",
      temperature: 0.7,
      max_tokens: 2048,
    });
    expect(request?.headers.authorization).toBe(`Bearer ${gateway.upstreamKey}`);
    expect(request?.headers["accept-encoding"]).toBe("identity");
    expect(JSON.stringify(request?.rawHeaders)).not.toContain(gateway.key);
    expect(JSON.stringify(request?.rawHeaders)).not.toMatch(
      /x-api-key|x-consumer|x-credential|x-anonymous|cookie/i,
    );
  });

  it("is known by x-api-key too, and leaves no other credential behind", async () => {
    const answer = await post("/v1/chat/completions", JSON.stringify(chat("x-api-key")), {
      authorization: "Bearer somebody-else",
      cookie: "session=1",
      "x-consumer-username": "forged",
      "x-goog-api-key": gateway.key,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-llm-model")).toBe("gpt-4.1");
    expect(answer.headers.get("x-llm-source")).toBe("upstream");
    const { headers } = gateway.upstream.requests[0]!;
    expect(headers.authorization).toBe(`Bearer ${gateway.upstreamKey}`);
    expect(headers).not.toHaveProperty("x-api-key");
    expect(headers).not.toHaveProperty("x-goog-api-key");
    expect(headers).not.toHaveProperty("cookie");
    expect(headers).not.toHaveProperty("x-consumer-username");
  });

  it("says nothing upstream of who a person is, as proxies before Kong and Open WebUI tell it", async () => {
    const told = {
      "x-forwarded-email": "kim@example.com",
      "x-auth-request-access-token": "made-up",
      "cf-access-jwt-assertion": "made-up",
      "cf-connecting-ip": "192.0.2.1",
      "x-amzn-oidc-data": "made-up",
      "x-openwebui-user-email": "kim@example.com",
      apikey: "made-up",
    };
    const sent = { ...told, authorization: `Bearer ${gateway.key}`, "x-request-source": "mobile" };
    const answer = await post("/v1/chat/completions", JSON.stringify(chat("who is it")), sent);
    expect(answer.status).toBe(200);
    const { headers } = gateway.upstream.requests[0]!;
    for (const name of Object.keys(told)) expect(headers).not.toHaveProperty(name);
    expect(headers["x-request-source"]).toBe("mobile");
  });

  it("is no other one upstream by a header that some servers put before its method or path", async () => {
    const other = { "x-http-method-override": "GET", "x-original-url": "/v1/files" };
    const answer = await post("/v1/chat/completions", JSON.stringify(chat("which one")), {
      ...other,
      authorization: `Bearer ${gateway.key}`,
    });
    expect(answer.status).toBe(200);
    const { headers } = gateway.upstream.requests[0]!;
    for (const name of Object.keys(other)) expect(headers).not.toHaveProperty(name);
  });

  it("is served where Azure's SDK asks it, by the model that its path names", async () => {
    const azure = new AzureOpenAI({
      ...{ endpoint: gateway.url, apiKey: gateway.key, apiVersion: "2024-10-21", maxRetries: 0 },
      deployment: "gpt-4",
    });
    const { messages } = chat("from Azure");
    const answer = await azure.chat.completions.create({ model: "", messages });
    expect(answer.choices[0]?.message.content).toBe("gpt-4.1 heard: from Azure");
    const [request] = gateway.upstream.requests;
    expect(request?.url).toBe("/v1/chat/completions?api-version=2024-10-21");
    expect(request?.model).toBe("gpt-4.1");
  });

  it("keeps every byte of the body but what the gateway says", async () => {
    const body =
      '{ "model" : "gpt-4.1","seed":12345678901234567890, "temperature": 1.0,"max_tokens":5,"x":"\\u00e9 안녕 🚀" }';
    expect((await post("/v1/chat/completions", body)).status).toBe(200);
    expect(gateway.upstream.requests[0]?.body).toBe(body);
  });

  it("may be 5 MB long", async () => {
    const content = "안녕 ".repeat(5 * 1024 * 150);
    const answer = await openai.chat.completions.create(chat(content));
    expect(answer.object).toBe("chat.completion");
    expect(gateway.upstream.requests[0]?.json?.messages).toEqual(chat(content).messages);
  });

  it("may ask for embeddings", async () => {
    const answer = await openai.embeddings.create({
      model: "text-embedding-3-small",
      input: ["a", "b"],
    });
    expect(answer.data).toHaveLength(2);
    expect(gateway.upstream.requests[0]?.url).toBe("/v1/embeddings");
  });

  it("may be a form: its model is read, and an alias put in its place", async () => {
    const form = new FormData();
    const bytes = new Uint8Array([0, 255, 128, 10, 13]);
    form.set("file", new Blob([bytes]), "a.bin");
    form.set("model", "gpt-4");
    form.set("language", "ko");
    const answer = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
      method: "POST",
      headers: { "x-api-key": gateway.key },
      body: form,
    });
    expect(answer.headers.get("x-llm-model")).toBe("gpt-4.1");
    const [request] = gateway.upstream.requests;
    expect(request?.url).toBe("/v1/audio/transcriptions");
    expect(request?.headers.authorization).toBe(`Bearer ${gateway.upstreamKey}`);
    expect(request?.body).toMatch(/name="model"\r\n\r\ngpt-4\.1\r\n--/);
    expect(request?.body).toMatch(/name="language"\r\n\r\nko\r\n--/);
  });

  it("may be compressed where Kong has our Lua files, for each plugin of ours on its way", async () => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: {
        ...{ "x-api-key": gateway.key, "content-type": "application/json" },
        "content-encoding": "gzip",
      },
      body: gzipSync('{"model":"gpt-4","messages":[{"role":"user","content":"\ufffd"}]}'),
    });
    expect(answer.status).toBe(config.includes("without-lua-files") ? 415 : 200);
    for (const { headers, json } of gateway.upstream.requests) {
      expect(headers["content-encoding"]).toBeUndefined();
      expect(json).toMatchObject({ model: "gpt-4.1", messages: [{ content: "\ufffd" }] });
    }
  });

  it.each([
    ["POST", "/v1/files"],
    ["GET", "/v1/responses/resp_1"],
    ["POST", "/v1/chat%2fcompletions"],
    ["POST", "/v1/Chat/completions"],
    ["POST", "/v1/chat/completions;v=1"],
    ["POST", "/chat/completions"],
    ["OPTIONS", "/v1/chat/completions"],
  ])("%s %s is a 404 that never goes upstream", async (method, path) => {
    const answer = await fetch(`${gateway.url}${path}`, {
      method,
      headers: { "x-api-key": gateway.key, "content-type": "application/json" },
      ...(method === "POST" && { body: '{"model":"gpt-4","messages":[]}' }),
    });
    expect(answer.status).toBe(404);
    expect(await answer.json()).toMatchObject({ error: { code: "unknown_endpoint" } });
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("for a WebSocket is a 426, at which Codex goes on over HTTP", async () => {
    const socket = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
    const headers = { ...socket, "sec-websocket-key": "bWFkZSB1cCBmb3IgaGVyZQ==" };
    const asked = request(`${gateway.url}/v1/responses`, {
      headers: { ...headers, "x-api-key": gateway.key },
    }).end();
    const [answer] = (await once(asked, "response")) as [IncomingMessage];
    expect([answer.statusCode, await text(answer)]).toEqual([
      426,
      expect.stringContaining("WebSockets are not served here"),
    ]);
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("gets nothing that the upstream says of the operator's account, or of its own host", async () => {
    const headers = {
      ...{ "set-cookie": "__cf_bm=x", "openai-organization": "org-1", "openai-project": "p" },
      ...{ "x-ratelimit-remaining-tokens": "149000", ratelimit: "limit=5", "x-request-id": "r" },
      ...{ "ratelimitbysize-limit": "5", "x-ratelimitbysize-remaining-month": "9" },
      ...{ "x-tokenlimit-remaining": "5", "x-trial-endpoint-call-remaining": "19" },
      ...{ "anthropic-priority-input-tokens-limit": "9", "msh-org-id": "org", "msh-uid": "u" },
      ...{ "x-litellm-key-spend": "3.2", "x-api-key": "shown", authorization: "Bearer shown" },
      ...{ "msh-org-id": "o", "msh-uid": "u", "x-databricks-org-id": "7" },
      ...{ "x-ratelimitbysize-remaining-minute": "4", "anthropic-workspace-id": "w" },
      ...{ "alt-svc": 'h3=":443"; ma=86400', "strict-transport-security": "max-age=31536000" },
    };
    gateway.upstream.behave({ headers, times: 2 });
    for (const more of [{}, { stream: true }]) {
      const body = JSON.stringify({ ...chat(`of the account ${JSON.stringify(more)}`), ...more });
      const answer = await post("/v1/chat/completions", body);
      await answer.text();
      const { "x-request-id": known, ...closed } = headers;
      for (const name of Object.keys(closed))
        expect([name, answer.headers.get(name)]).toEqual([name, null]);
      expect(answer.headers.get("x-request-id")).toBe(known);
    }
  });

  it("is not sent on by the upstream to another address, past the gateway", async () => {
    const headers = { location: "http://127.0.0.1:9/v1/chat/completions/" };
    gateway.upstream.behave({ status: 307, headers, times: 1 });
    const answer = await post("/v1/chat/completions", JSON.stringify(chat("redirected")));
    expect([answer.status, answer.headers.get("location")]).toEqual([502, null]);
    expect(answer.headers.get("x-should-retry")).toBe("false");
    expect(await answer.json()).toMatchObject({ error: { code: "upstream_redirects" } });
  });

  it("lists the models of this gateway", async () => {
    const names = [];
    for await (const model of openai.models.list()) names.push(model.id);
    expect(names.slice(0, 4)).toEqual(["gpt-4", "claude", "deepseek", "flash"]);
    expect(gateway.upstream.requests).toEqual([]);
    expect((await openai.models.retrieve("gpt-4")).id).toBe("gpt-4");
    await expect(openai.models.retrieve("nothing")).rejects.toMatchObject({
      status: 404,
      code: "model_not_found",
    });
  });

  it.each([
    ["no key", {}],
    ["a wrong key", { "x-api-key": "wrong" }],
    ["a wrong bearer key", { authorization: "Bearer wrong" }],
  ])("with %s is a 401 in OpenAI's shape", async (_case, headers) => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(chat("no key")),
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual({
      error: {
        message: expect.stringContaining("API key"),
        type: "invalid_request_error",
        param: null,
        code: "invalid_api_key",
      },
    });
    expect(gateway.upstream.requests).toEqual([]);
  });

  it.each([
    ["no JSON", "not json"],
    ["an array", '[{"model":"gpt-4"}]'],
    ["without a model", '{"messages":[]}'],
    ["with a number for its model", '{"model":4}'],
    ["empty", ""],
  ])("whose body is %s is a 400 that never goes upstream", async (_case, body) => {
    const answer = await post("/v1/chat/completions", body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { type: "invalid_request_error" } });
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("that is too large is a 413", async () => {
    const answer = await post("/v1/chat/completions", `{"model":"${"x".repeat(10_485_760)}"}`);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ error: { code: "request_too_large" } });
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("gets an upstream's error as it is", async () => {
    gateway.upstream.behave({ status: 503, times: 1, retryAfter: "7" });
    const answer = await post("/v1/chat/completions", JSON.stringify(chat("fails upstream")));
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("7");
    expect(answer.headers.get("x-llm-source")).toBe("upstream");
  });

  it("is counted with its tokens", async () => {
    await gateway.untilLearned();
    const before = await gateway.pluginServer.metric("llm_tokens_total", { model: "gpt-4.1" });
    const answer = await openai.chat.completions.create(chat("count my tokens"));
    await expect
      .poll(() => gateway.pluginServer.metric("llm_tokens_total", { model: "gpt-4.1" }))
      .toBe(before + (answer.usage?.total_tokens ?? Number.NaN));
  });
});
