import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Gate } from "../../stand-in/model-server";
import { configurations, type Gateway, startGateway } from "../support/gateway";

describe.each(configurations)("a stream through %s", (_, config) => {
  let gateway: Gateway;
  let openai: OpenAI;

  beforeAll(async () => {
    gateway = await startGateway({ config });
    openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  const asking = (content: string) => ({
    model: "gpt-4",
    stream: true as const,
    messages: [{ role: "user" as const, content }],
  });

  async function textOf(content: string): Promise<string> {
    let text = "";
    for await (const chunk of await openai.chat.completions.create(asking(content))) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    return text;
  }

  it("arrives chunk by chunk: the first before the last is sent", async () => {
    const last = new Gate();
    gateway.upstream.behave({ holdLastChunk: last, times: 1 });
    const stream = await openai.chat.completions.create(asking("one by one"));
    const chunks = stream[Symbol.asyncIterator]();
    const first = await chunks.next();

    expect(first.value?.object).toBe("chat.completion.chunk");
    last.open();
    let text = "";
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      text += next.value.choices[0]?.delta.content ?? "";
    }
    expect(text).toBe("gpt-4.1 heard: one by one");
  });

  it("is counted with the usage that the gateway asks the upstream for", async () => {
    const tokens = () => gateway.pluginServer.metric("llm_tokens_total", { model: "gpt-4.1" });
    await gateway.untilLearned();
    const before = await tokens();
    await textOf("count this stream");
    const [request] = gateway.upstream.requests;
    expect(request?.json?.stream_options).toEqual({ include_usage: true });
    await expect.poll(tokens).toBeGreaterThan(before);
  });

  it("is replayed byte for byte, and only where it ended whole", async () => {
    const raw = (content: string) =>
      fetch(`${gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": gateway.key },
        body: JSON.stringify(asking(content)),
      });
    gateway.upstream.behave({ splitUtf8: true, times: 1 });
    const live = await (await raw("안녕하세요 🚀")).text();
    const replayed = await gateway.untilHit(() => raw("안녕하세요 🚀"));
    expect(replayed.headers.get("content-type")).toMatch(/^text\/event-stream/);
    expect(await replayed.text()).toBe(live);
    expect(gateway.upstream.requests).toHaveLength(1);
  });

  it("that the upstream cuts is not stored", async () => {
    gateway.upstream.behave({ cutAfterChunks: 2, times: 1 });
    await expect(textOf("cut in the middle")).rejects.toThrow();
    expect(await gateway.upstream.requests[0]?.ended).toBe("cut");
    expect(await textOf("cut in the middle")).toBe("gpt-4.1 heard: cut in the middle");
    expect(gateway.upstream.requests).toHaveLength(2);
  });

  it("that the client leaves is left upstream too", async () => {
    const last = new Gate();
    gateway.upstream.behave({ holdLastChunk: last, times: 1 });
    const stream = await openai.chat.completions.create(asking("never mind"));
    for await (const _chunk of stream) break;
    expect(await gateway.upstream.requests[0]?.ended).toBe("cut");
    last.open();
  });
});
