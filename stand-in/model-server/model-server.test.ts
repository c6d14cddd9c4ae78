import OpenAI, { APIConnectionError, RateLimitError } from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Gate, type ModelServer, startModelServer } from ".";

let upstream: ModelServer;
let client: OpenAI;

beforeAll(async () => {
  upstream = await startModelServer();
  client = new OpenAI({ apiKey: "sk-test", baseURL: `${upstream.url}/v1`, maxRetries: 0 });
});
afterEach(() => upstream.clear());
afterAll(() => upstream.close());

const hello = {
  model: "gpt-4.1",
  messages: [{ role: "user" as const, content: "Grüß dich, 세계" }],
};

function post(path: string, body: object, headers: Record<string, string> = {}) {
  return fetch(upstream.url + path, {
    method: "POST",
    headers: { authorization: "Bearer sk-test", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

describe("model-server", () => {
  describe("answers the official client", () => {
    it("echoes the last user message with a new id each time", async () => {
      const first = await client.chat.completions.create(hello);
      const second = await client.chat.completions.create(hello);
      expect(first.choices[0]?.message.content).toBe("gpt-4.1 heard: Grüß dich, 세계");
      expect(first.usage).toMatchObject({
        prompt_tokens: 3,
        completion_tokens: 5,
        total_tokens: 8,
        prompt_tokens_details: { cached_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0 },
      });
      expect(second.choices).toEqual(first.choices);
      expect(second.id).not.toBe(first.id);
    });

    it("stops at max_tokens and says so", async () => {
      const answer = await client.chat.completions.create({ ...hello, max_tokens: 2 });
      expect(answer.choices[0]).toMatchObject({
        message: { content: "gpt-4.1 heard:" },
        finish_reason: "length",
      });
      expect(answer.usage?.completion_tokens).toBe(2);
    });

    it("counts cached and reasoning tokens as a part of the others", async () => {
      const long = { role: "user" as const, content: "word ".repeat(1100) };
      const answer = await client.chat.completions.create({
        model: "gpt-4.1",
        messages: [long],
        max_tokens: 1,
        reasoning_effort: "low",
      });
      expect(answer.usage).toMatchObject({
        prompt_tokens: 1100,
        completion_tokens: 17,
        prompt_tokens_details: { cached_tokens: 1024 },
        completion_tokens_details: { reasoning_tokens: 16 },
      });
    });

    it("streams a chat, with usage at the end when asked", async () => {
      const stream = await client.chat.completions.create({
        ...hello,
        stream: true,
        stream_options: { include_usage: true },
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      expect(chunks[0]?.choices[0]?.delta.role).toBe("assistant");
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe(
        "gpt-4.1 heard: Grüß dich, 세계",
      );
      expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe("stop");
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 8 } });
    });

    it("completes a prompt, whole and as a stream", async () => {
      const asked = { model: "gpt-4.1", prompt: "one two" };
      const answer = await client.completions.create(asked);
      expect(answer.choices[0]?.text).toBe("gpt-4.1 heard: one two");
      let streamed = "";
      for await (const chunk of await client.completions.create({ ...asked, stream: true })) {
        streamed += chunk.choices[0]?.text ?? "";
      }
      expect(streamed).toBe("gpt-4.1 heard: one two");
    });

    it("embeds, with equal vectors for equal input in both encodings", async () => {
      const asked = { model: "text-embedding-3-small", input: ["a b", "c"], dimensions: 4 };
      const decoded = await client.embeddings.create(asked);
      const plain = await client.embeddings.create({ ...asked, encoding_format: "float" });
      expect(plain.data[0]?.embedding).toHaveLength(4);
      expect(decoded.data).toEqual(plain.data);
      expect(decoded.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
    });

    it("answers the responses API, whole and as typed events", async () => {
      const asked = { model: "gpt-4.1", input: "one two" };
      const answer = await client.responses.create(asked);
      expect(answer.output_text).toBe("gpt-4.1 heard: one two");
      const types: string[] = [];
      for await (const event of await client.responses.create({ ...asked, stream: true })) {
        types.push(event.type);
        if (event.type === "response.completed") {
          expect(event.response.usage).toMatchObject({ input_tokens: 2, output_tokens: 4 });
        }
      }
      expect(types[0]).toBe("response.created");
      expect(types.at(-1)).toBe("response.completed");
    });

    it("lists its models and shows one", async () => {
      const { data } = await client.models.list();
      expect(data.map(({ id }) => id)).toContain("stand-in-429");
      expect((await client.models.retrieve("gpt-4.1")).id).toBe("gpt-4.1");
    });
  });

  describe("refuses in OpenAI's shape", () => {
    it.each([
      ["a path it does not have", "/v1/nothing", hello, {}, 404],
      ["a request without a bearer key", "/v1/chat/completions", hello, { authorization: "" }, 401],
      ["a body without a model", "/v1/chat/completions", {}, {}, 400],
    ])("%s", async (_, path, body, headers: Record<string, string>, status) => {
      const answer = await post(path, body, headers);
      expect(answer.status).toBe(status);
      expect(await answer.json()).toMatchObject({ error: { message: expect.any(String) } });
    });
  });

  it("records every request as it came", async () => {
    await post("/v1/chat/completions?a=%41", hello, { "X-Odd": "1" });
    expect(upstream.requests).toHaveLength(1);
    expect(upstream.requests[0]).toMatchObject({
      method: "POST",
      url: "/v1/chat/completions?a=%41",
      body: JSON.stringify(hello),
      json: hello,
      model: "gpt-4.1",
      headers: { "x-odd": "1", authorization: "Bearer sk-test" },
    });
    expect(upstream.requests[0]?.rawHeaders).toContain("Bearer sk-test");
  });

  describe("misbehaves on order", () => {
    it("holds the last chunk until the test lets it go", async () => {
      const gate = new Gate();
      upstream.behave({ holdLastChunk: gate });
      const stream = await client.chat.completions.create({ ...hello, stream: true });
      const chunks = stream[Symbol.asyncIterator]();
      expect((await chunks.next()).value?.choices[0]?.delta.role).toBe("assistant");
      const request = await upstream.arrived(1);
      await request.chunkSent(7);
      expect(request.chunksSent).toBe(7);
      gate.open();
      while (!(await chunks.next()).done);
      expect(request.chunksSent).toBe(8);
      expect(await request.ended).toBe("whole");
    });

    it("holds the headers until the test lets them go", async () => {
      const gate = new Gate();
      upstream.behave({ holdHeaders: gate });
      const answer = client.chat.completions.create(hello);
      const request = await upstream.arrived(1);
      expect(request.chunksSent).toBe(0);
      gate.open();
      expect((await answer).choices).toHaveLength(1);
    });

    it("answers a status for the models that match, as often as ordered", async () => {
      upstream.behave({ match: "gpt-*", status: 429, retryAfter: "7", times: 1 });
      const other = await post("/v1/chat/completions", { ...hello, model: "claude" });
      const refused = client.chat.completions.create(hello);
      await expect(refused).rejects.toBeInstanceOf(RateLimitError);
      await expect(refused).rejects.toMatchObject({ status: 429, code: "rate_limit_exceeded" });
      const again = await post("/v1/chat/completions", hello);
      expect([other.status, again.status]).toEqual([200, 200]);
    });

    it.each([0, 1])("cuts a JSON answer (%i chunks sent)", async (cutAfterChunks) => {
      upstream.behave({ cutAfterChunks });
      const answer = client.chat.completions.create(hello);
      await expect(answer).rejects.toThrow();
      if (cutAfterChunks === 0) await expect(answer).rejects.toBeInstanceOf(APIConnectionError);
      expect(await upstream.requests[0]?.ended).toBe("cut");
    });

    it("cuts a stream after so many chunks", async () => {
      upstream.behave({ cutAfterChunks: 2 });
      const answer = await post("/v1/chat/completions", { ...hello, stream: true });
      let received = "";
      const read = async () => {
        for await (const bytes of answer.body ?? []) received += Buffer.from(bytes).toString();
      };
      await expect(read()).rejects.toThrow();
      expect(received.match(/^data: /gm)).toHaveLength(2);
      expect(await upstream.requests[0]?.ended).toBe("cut");
    });

    it("fails in the middle of a stream", async () => {
      const stream = await client.chat.completions.create({
        ...hello,
        model: "stand-in-fail",
        stream: true,
      });
      const read = async () => {
        for await (const _ of stream);
      };
      await expect(read()).rejects.toThrow("The stand-in was told to fail.");
      expect(await upstream.requests[0]?.ended).toBe("whole");
    });

    it("notices a client that goes away", async () => {
      const gate = new Gate();
      upstream.behave({ holdLastChunk: gate });
      const stream = await client.chat.completions.create({ ...hello, stream: true });
      stream.controller.abort();
      expect(await (await upstream.arrived(1)).ended).toBe("cut");
      gate.open();
    });

    it("sends a whole stream, and ends it when it is told to", async () => {
      const gate = new Gate();
      upstream.behave({ holdEnd: gate });
      const answer = await post("/v1/chat/completions", { ...hello, stream: true });
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      let received = "";
      while (!received.endsWith("data: [DONE]\n\n")) received += (await reader.read()).value;
      gate.open();
      expect((await reader.read()).done).toBe(true);
      expect(await upstream.requests[0]?.ended).toBe("whole");
    });

    it("splits characters between chunks without losing any", async () => {
      upstream.behave({ splitUtf8: true });
      const stream = await client.chat.completions.create({ ...hello, stream: true });
      let streamed = "";
      for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? "";
      expect(streamed).toBe("gpt-4.1 heard: Grüß dich, 세계");
    });

    it("says nothing of usage, and answers as much as ordered", async () => {
      upstream.behave({ noUsage: true, answerBytes: 100_003 });
      const answer = await client.chat.completions.create(hello);
      expect(answer.usage).toBeUndefined();
      expect(answer.choices[0]?.message.content).toHaveLength(100_003);
    });

    it("does so for the model's name too", async () => {
      const limited = await post("/v1/chat/completions", { ...hello, model: "stand-in-429" });
      expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "1"]);
      const failed = await post("/v1/chat/completions", { ...hello, model: "stand-in-503" });
      expect(failed.status).toBe(503);
    });
  });
});
