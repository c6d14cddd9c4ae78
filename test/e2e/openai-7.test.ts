// OpenAI's SDK for Node in its version 7, which wants Node 22: what its users see of the gateway is what
// those of version 6 see.

import OpenAI from "openai-7";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gateway, startGateway } from "../support/gateway";

const runsHere = Number(process.versions.node.split(".")[0]) >= 22;

describe.runIf(runsHere)("openai 7 for Node", () => {
  let gateway: Gateway;
  let client: OpenAI;
  const asked = { model: "gpt-4", messages: [{ role: "user" as const, content: "Hello" }] };

  beforeAll(async () => {
    gateway = await startGateway();
    client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
  });
  afterAll(() => gateway?.stop());

  it("gets an answer, a stream and the list of models", async () => {
    const answer = await client.chat.completions.create(asked);
    expect(answer.choices[0]?.message.content).toBe("gpt-4.1 heard: Hello");
    let streamed = "";
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? "";
    }
    expect(streamed).toBe("gpt-4.1 heard: Hello");
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toContain("gpt-4");
  });

  it("tells a wrong key from other errors", async () => {
    const stranger = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "wrong", maxRetries: 0 });
    const error = await stranger.models.list().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
    expect((error as InstanceType<typeof OpenAI.APIError>).code).toBe("invalid_api_key");
  });
});
