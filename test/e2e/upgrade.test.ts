// What runs while a cluster goes from version 0.1 to drivers, node by node: its kong.yaml, which carries
// snippets, meets nodes with our Lua files, and nodes without them whose plugin server is new already.
// In the order of docs/migration.md no step lets a request through undecided, or turns one away.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, type GatewayOptions, startGateway } from "../support/gateway";

const config = "test/fixtures/version-0.1/kong.yaml";

const steps: [string, GatewayOptions][] = [
  ["a node that has only a new plugin server, with the kong.yaml of 0.1", { luaFiles: false }],
  ["a node with Lua files, with the kong.yaml of 0.1", { luaFiles: true }],
  [
    "a node with Lua files, with llm-client-key in the kong.yaml of 0.1",
    {
      edit: (kong) => kong.whole.services[0]!.plugins.push({ name: "llm-client-key", config: {} }),
    },
  ],
  [
    "a node with Lua files, when pre-function is gone and post-function is not",
    { edit: ({ whole: { services } }) => services[0]!.plugins.shift() },
  ],
];

describe.each(steps)("while 0.1 is left behind, %s", (_, options) => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      ...options,
      edit(kong) {
        options.edit?.(kong);
        for (const { keyauth_credentials: credentials } of kong.whole.consumers) {
          const [{ key }] = credentials as [{ key: string }];
          if (credentials.length === 1) credentials.push({ key: `Bearer ${key}` });
        }
      },
    });
  });
  afterAll(() => gateway?.stop());

  const chat = (content: string) => ({ model: "gpt-4", messages: [{ role: "user", content }] });

  function ask(body: object, headers: Record<string, string> = { "x-api-key": gateway.key }) {
    return fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  it("sends on what was decided, and nothing of the client's", async () => {
    const answer = await ask(chat("decided"), { authorization: `Bearer ${gateway.key}` });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-llm-source")).toBe("upstream");
    const [request, ...others] = gateway.upstream.requests;
    expect(others).toEqual([]);
    expect(request!.json).toEqual({
      ...chat("decided"),
      model: "gpt-4.1",
      temperature: 0.7,
      max_tokens: 2048,
    });
    expect(request!.headers.authorization).toBe(`Bearer ${gateway.upstreamKey}`);
    expect(JSON.stringify(request!.rawHeaders)).not.toContain(gateway.key);
    expect(JSON.stringify(request!.rawHeaders)).not.toMatch(/x-api-key|x-consumer|x-credential/i);
  });

  it("counts each request once, and answers the next from the cache", async () => {
    const first = await ask(chat("once"));
    expect(first.headers.get("x-cache-status")).toBe("Miss");
    const hit = await gateway.untilHit(() => ask(chat("once")));
    expect(await hit.text()).toBe(await first.text());
    const stream = await ask({ ...chat("stream"), stream: true });
    expect(await stream.text()).toContain("data: [DONE]");

    const sent = gateway.upstream.requests.length;
    const served = () => gateway.pluginServer.metric("llm_requests_total", { source: "service" });
    await expect.poll(served).toBe(sent);
    await expect.poll(() => gateway.pluginServer.metric("llm_decisions_open")).toBe(0);
  });

  it("asks for a key, and refuses in the shape of the API", async () => {
    const answer = await ask(chat("nobody"), {});
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: "invalid_api_key" } });
  });

  it("answers 503 while the plugin server is away, and sends nothing on", async () => {
    expect((await ask(chat("before"))).status).toBe(200);
    const sent = gateway.upstream.requests.length;
    await gateway.pluginServer.kill();
    const answer = await ask(chat("meanwhile"));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ error: { code: "gateway_unavailable" } });
    expect(gateway.upstream.requests).toHaveLength(sent);
    await gateway.pluginServer.restart();
    await expect.poll(async () => (await ask(chat("after"))).status).toBe(200);
  });
});
