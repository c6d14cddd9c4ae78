import Anthropic, { APIError, AuthenticationError, BadRequestError } from "@anthropic-ai/sdk";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { usageOf } from "../../anthropic/usage";
import { type ModelServer, startModelServer } from ".";

let upstream: ModelServer;
let client: Anthropic;

beforeAll(async () => {
  upstream = await startModelServer();
  client = new Anthropic({ apiKey: "sk-test", baseURL: upstream.url, maxRetries: 0 });
});
afterEach(() => upstream.clear());
afterAll(() => upstream.close());

const hello = {
  model: "claude-sonnet-4.5",
  max_tokens: 1000,
  messages: [{ role: "user" as const, content: "Grüß dich, 세계" }],
};
const said = "claude-sonnet-4.5 heard: Grüß dich, 세계";
const weather = {
  name: "get_weather",
  description: "Tells the weather",
  input_schema: {
    type: "object" as const,
    properties: { city: { type: "string" }, days: { type: "integer" } },
  },
};
const thinking = { type: "enabled" as const, budget_tokens: 1024 };

function post(path: string, body: object, headers: Record<string, string> = {}) {
  return fetch(upstream.url + path, {
    method: "POST",
    headers: {
      "x-api-key": "sk-test",
      "anthropic-version": "2023-06-01",
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(body),
  });
}

/** The error that the client throws. */
async function errorOf(answer: PromiseLike<unknown>): Promise<APIError> {
  const error = await Promise.resolve(answer).catch((thrown: unknown) => thrown);
  if (!(error instanceof APIError)) throw new Error(`no error of the API: ${String(error)}`);
  return error;
}

/** What a whole answer and a stream of it have in common. */
function partsOf({ content, model, role, stop_reason, usage }: Anthropic.Message) {
  return { content, model, role, stop_reason, usage };
}

describe("model-server, Messages API", () => {
  describe("answers the official client", () => {
    it("echoes the last user message with a new id each time", async () => {
      const first = await client.messages.create(hello);
      const second = await client.messages.create(hello);
      expect(first).toMatchObject({
        type: "message",
        role: "assistant",
        content: [{ type: "text", text: said }],
        stop_reason: "end_turn",
        usage: { input_tokens: 3, output_tokens: 5, cache_read_input_tokens: 0 },
      });
      expect(second.content).toEqual(first.content);
      expect(second.id).not.toBe(first.id);
      expect(first._request_id).toMatch(/^req_/);
    });

    it("streams the same message as it would answer whole", async () => {
      const stream = client.messages.stream(hello);
      const types: string[] = [];
      for await (const { type } of stream) types.push(type);
      const streamed = await stream.finalMessage();
      expect(types[0]).toBe("message_start");
      expect(types.slice(-2)).toEqual(["message_delta", "message_stop"]);
      expect(partsOf(streamed)).toEqual(partsOf(await client.messages.create(hello)));
    });

    it("stops at max_tokens, and answers nothing to 0", async () => {
      const cut = await client.messages.create({ ...hello, max_tokens: 2 });
      expect(cut).toMatchObject({
        content: [{ text: "claude-sonnet-4.5 heard:" }],
        stop_reason: "max_tokens",
        usage: { output_tokens: 2 },
      });
      const warmed = await client.messages.create({ ...hello, max_tokens: 0 });
      expect(warmed).toMatchObject({
        content: [],
        stop_reason: "max_tokens",
        usage: { input_tokens: 3, output_tokens: 0 },
      });
    });

    it("thinks before it speaks, whole and in a stream", async () => {
      const asked = { ...hello, max_tokens: 2000, thinking };
      const whole = await client.messages.create(asked);
      const [thought, text] = whole.content;
      expect(thought).toMatchObject({ type: "thinking", thinking: "They say:Grüß dich, 세계" });
      expect(text).toMatchObject({ type: "text", text: said });
      expect(whole.usage).toMatchObject({
        output_tokens: 10,
        output_tokens_details: { thinking_tokens: 5 },
      });
      const streamed = await client.messages.stream(asked).finalMessage();
      expect(partsOf(streamed)).toEqual(partsOf(whole));
    });

    it("calls a tool that the message names or the client forces, and takes its result", async () => {
      const question = { role: "user" as const, content: "Please get_weather of Seoul" };
      const asked = { ...hello, messages: [question], tools: [weather] };
      const called = await client.messages.create(asked);
      const call = called.content.find((block) => block.type === "tool_use");
      expect(called.stop_reason).toBe("tool_use");
      expect(call).toMatchObject({ name: "get_weather", input: { city: "Seoul", days: 1 } });

      const streamed = await client.messages.stream(asked).finalMessage();
      expect(streamed.content.at(-1)).toMatchObject({ name: "get_weather", input: call?.input });

      const forced = await client.messages.create({
        ...hello,
        tools: [weather],
        tool_choice: { type: "tool", name: "get_weather" },
      });
      expect(forced.stop_reason).toBe("tool_use");

      const result = { type: "tool_result" as const, tool_use_id: call!.id, content: "sunny" };
      const messages = [
        question,
        { role: "assistant" as const, content: called.content },
        { role: "user" as const, content: [result] },
      ];
      const ended = await client.messages.create({ ...asked, messages });
      expect(ended).toMatchObject({
        content: [{ text: "claude-sonnet-4.5 heard: sunny" }],
        stop_reason: "end_turn",
      });
    });

    it("counts tokens as it will state them", async () => {
      const prompt = { ...hello, system: "Be very brief.", tools: [weather] };
      const { max_tokens, ...counted } = prompt;
      const { input_tokens } = await client.messages.countTokens(counted);
      const { usage } = await client.messages.create(prompt);
      expect(input_tokens).toBe(usage.input_tokens);
      expect(input_tokens).toBeGreaterThan(6);
    });

    it("lists its models and shows one", async () => {
      const { data } = await client.models.list();
      expect(data.map(({ id }) => id)).toContain("stand-in-529");
      expect(await client.models.retrieve("claude-sonnet-4.5")).toMatchObject({ type: "model" });
      expect(await errorOf(client.models.retrieve("none"))).toMatchObject({
        status: 404,
        type: "not_found_error",
      });
    });
  });

  describe("keeps the beginning of a prompt that is marked", () => {
    it("writes it once, and reads it from then on", async () => {
      const cache_control = { type: "ephemeral" as const };
      const system = [{ type: "text" as const, text: "word ".repeat(1100), cache_control }];
      const first = await client.messages.create({ ...hello, system });
      expect(first.usage).toMatchObject({
        input_tokens: 3,
        cache_creation_input_tokens: 1100,
        cache_read_input_tokens: 0,
        cache_creation: { ephemeral_5m_input_tokens: 1100, ephemeral_1h_input_tokens: 0 },
      });
      const second = await client.messages.stream({ ...hello, system }).finalMessage();
      expect(second.usage).toMatchObject({
        input_tokens: 3,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 1100,
      });
    });
  });

  it("states in a stream and in a whole answer what our reading makes the same usage of", async () => {
    const asked = { ...hello, max_tokens: 2000, thinking };
    const usages = [];
    for (const stream of [false, true]) {
      const answer = await post("/v1/messages", { ...asked, stream });
      const body = Buffer.from(await answer.arrayBuffer());
      usages.push(usageOf("messages", answer.headers.get("content-type") ?? "", body, false));
    }
    expect(usages[0]).toMatchObject({ input_tokens: 3, output_tokens: 10, reasoning_tokens: 5 });
    expect(usages[1]).toEqual(usages[0]);
  });

  describe("refuses as the API does", () => {
    it("a request without a key", async () => {
      const headers = { authorization: "none" };
      const error = await errorOf(client.messages.create(hello, { headers }));
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error.type).toBe("authentication_error");
    });

    it.each([
      ["a body without max_tokens", { max_tokens: undefined }, "max_tokens: Field required"],
      ["a body without a model", { model: undefined }, "model: Field required"],
      ["no messages", { messages: [] }, "messages: at least one message is required"],
      ["a bound that is no number", { max_tokens: "many" }, "max_tokens: Input should be"],
      ["a budget of thinking above max_tokens", { thinking }, "`max_tokens` must be greater"],
      ["a temperature from the version that has none on", { temperature: 1 }, "temperature: Extra"],
    ])("%s", async (_, members, message) => {
      const error = await errorOf(client.messages.create({ ...hello, ...members } as typeof hello));
      expect(error).toBeInstanceOf(BadRequestError);
      expect(error.apiMessage).toContain(message);
      expect(error.requestID).toMatch(/^req_/);
      expect(error.error).toMatchObject({ type: "error", request_id: error.requestID });
    });

    it("takes a temperature of the version before", async () => {
      expect((await post("/v1/messages", { ...hello, temperature: 0 })).status).toBe(200);
    });

    it("a request without anthropic-version", async () => {
      const answer = await post("/v1/messages", hello, { "anthropic-version": "" });
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        {
          error: {
            type: "invalid_request_error",
            message: "anthropic-version: header is required",
          },
        },
      ]);
    });

    it("a path that it does not have", async () => {
      const answer = await post("/v1/messages/batches", hello);
      expect([answer.status, await answer.json()]).toMatchObject([
        404,
        { error: { type: "not_found_error" } },
      ]);
    });
  });

  describe("misbehaves on order", () => {
    it.each([
      [429, "rate_limit_error"],
      [500, "api_error"],
      [529, "overloaded_error"],
    ])("answers %i because of the model's name", async (status, type) => {
      const error = await errorOf(
        client.messages.create({ ...hello, model: `stand-in-${status}` }),
      );
      expect(error).toMatchObject({ status, type });
      expect(error.headers?.get("retry-after")).toBe(status === 429 ? "1" : null);
    });

    it("is asked again by the client after a 529, and not where it says so", async () => {
      const retrying = client.withOptions({ maxRetries: 2 });
      const soon = { "retry-after-ms": "1" };
      upstream.behave({ status: 529, times: 1, headers: soon });
      expect((await retrying.messages.create(hello)).stop_reason).toBe("end_turn");
      expect(upstream.requests).toHaveLength(2);
      upstream.behave({ status: 529, times: 1, headers: { ...soon, "x-should-retry": "false" } });
      expect(await errorOf(retrying.messages.create(hello))).toMatchObject({ status: 529 });
      expect(upstream.requests).toHaveLength(3);
    });

    it("fails in the middle of a stream", async () => {
      const stream = client.messages.stream({ ...hello, model: "stand-in-fail" });
      expect(await errorOf(stream.finalMessage())).toMatchObject({ type: "overloaded_error" });
      expect(await upstream.requests[0]?.ended).toBe("whole");
    });

    it("cuts a stream", async () => {
      const stream = client.messages.stream({ ...hello, model: "stand-in-cut" });
      await expect(stream.finalMessage()).rejects.toThrow();
      expect(await upstream.requests[0]?.ended).toBe("cut");
    });

    it("says nothing of usage, and answers as much as ordered", async () => {
      upstream.behave({ noUsage: true, answerBytes: 100_003 });
      const { content, usage } = await client.messages.create({ ...hello, max_tokens: 5000 });
      expect(usage).toBeUndefined();
      expect(content[0]?.type === "text" && content[0].text.length).toBe(100_003);
    });
  });
});
