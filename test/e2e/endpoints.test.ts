// Every endpoint of the table as the official clients ask it; and that none of them is a way around a
// denied model or an empty budget, however its path is spelt.

import { request } from "node:http";
import fc from "fast-check";
import OpenAI, { toFile } from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { endpoints } from "../../families/endpoint";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { configurations, type Gateway, startGateway } from "../support/gateway";
import { python, pythonHas } from "../support/python";

const keyOf = (consumer: string) => `key-of-${consumer}`;
const lua = configurations.filter(([name]) => !name.includes("without"));

// Made of no bytes that a form must not hold, and long enough to be counted in seconds.
const sound = () => toFile(Buffer.alloc(160_000, 7), "speech.wav", { type: "audio/wav" });
const picture = () => toFile(Buffer.alloc(2000, 9), "picture.png", { type: "image/png" });

const prices = [
  { model: "painter", input_usd_per_mtok: 5, output_usd_per_mtok: 40, image_usd: 0.01 },
  { model: "listener", input_usd_per_mtok: 0, output_usd_per_mtok: 0, second_usd: 0.0001 },
  {
    model: "speaker",
    ...{ input_usd_per_mtok: 0, output_usd_per_mtok: 0, characters_usd_per_million: 15 },
  },
  { model: "ranker", input_usd_per_mtok: 0, output_usd_per_mtok: 0, request_usd: 0.002 },
  { model: "moderator", input_usd_per_mtok: 0, output_usd_per_mtok: 0 },
];

describe.each(configurations)("the endpoints of %s", (_, config) => {
  let gateway: Gateway;
  let openai: OpenAI;
  let printed = "";

  beforeAll(async () => {
    gateway = await startGateway({
      config,
      printed: (text) => {
        printed += text;
      },
      edit(kong) {
        for (const name of ["denied", "broke", "thrifty"]) kong.addConsumer(name, keyOf(name));
        kong.options("usage").prices = prices;
        Object.assign(kong.options("models"), {
          other_endpoints: ["batches*"],
          access: [{ consumers: ["denied"], allow: ["*"], deny: ["denied-*"] }, { allow: ["*"] }],
        });
        Object.assign(kong.options("rate_limit"), {
          ...{ policy: "local", prices },
          tiers: [
            { consumers: ["broke"], requests: { month: 1 } },
            { consumers: ["thrifty"], cost_usd: { month: 0.0001 } },
          ],
        });
      },
    });
    openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.key, maxRetries: 0 });
  });
  afterAll(() => gateway?.stop());
  beforeEach(() => gateway.upstream.clear());

  /** The usage line of the request that an SDK's answer was for. */
  async function lineOf(asked: { asResponse(): Promise<Response> }): Promise<UsageLine> {
    const id = (await asked.asResponse()).headers.get("x-kong-request-id") ?? "none";
    const found = () =>
      printed.split("\n").filter((line) => line.includes(`"${id}"`) && line.endsWith("}"))[0];
    await expect.poll(found).toBeDefined();
    return JSON.parse(found()!);
  }

  it("make pictures, by JSON and by forms whose files go on untouched", async () => {
    const made = openai.images.generate({ model: "painter", prompt: "a river", n: 2 });
    expect((await made).data).toHaveLength(2);
    const line = await lineOf(made);
    // 12 tokens in, 200 out, two pictures at a cent.
    expect(line).toMatchObject({ endpoint: "images/generations", input_tokens: 12 });
    expect(line.cost_usd).toBe((12 * 5 + 200 * 40) / 1e6 + 0.02);
    const edited = openai.images.edit({ model: "painter", prompt: "red", image: await picture() });
    expect((await edited).data).toHaveLength(1);
    expect((await lineOf(edited)).model).toBe("painter");
    const [, sent] = gateway.upstream.requests;
    expect(sent?.url).toBe("/v1/images/edits");
    expect(sent?.body).toContain("\t".repeat(2000));
  });

  it("listen and speak, counted by the second and by the letter", async () => {
    const spoken = openai.audio.speech.create({
      model: "speaker",
      voice: "alloy",
      input: "안녕하세요",
    });
    expect(Buffer.from(await (await spoken).arrayBuffer()).toString()).toBe("sound of 안녕하세요");
    expect((await lineOf(spoken)).cost_usd).toBe((5 * 15) / 1e6);
    const heard = openai.audio.transcriptions.create({ model: "listener", file: await sound() });
    expect((await heard).text).toBe("This is what was said.");
    expect((await lineOf(heard)).cost_usd).toBe(0.0009);
    const told = openai.audio.translations.create({ model: "listener", file: await sound() });
    expect((await told).text).toBe("This is what was said.");
  });

  it("take of a budget of dollars what is paid for by the letter, and end it", async () => {
    const apiKey = keyOf("thrifty");
    const thrifty = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
    const speak = () =>
      thrifty.audio.speech.create({ model: "speaker", voice: "alloy", input: "안녕하세요" });
    const { headers } = await speak();
    expect(headers.get("x-ratelimit-remaining-cost-usd")).toBe("0.000025");
    await expect(speak()).rejects.toMatchObject({ status: 429, code: "insufficient_quota" });
    expect(gateway.upstream.requests).toHaveLength(1);
  });

  it("moderate, rank and embed", async () => {
    const moderated = openai.moderations.create({ model: "moderator", input: ["a", "b"] });
    expect((await moderated).results).toHaveLength(2);
    expect((await lineOf(moderated)).cost_usd).toBe(0);
    const ranked = openai.post("/rerank", {
      body: { model: "ranker", query: "q", documents: ["a", "b", "c"] },
    });
    expect(await ranked).toMatchObject({ results: [{ index: 0 }, { index: 1 }, { index: 2 }] });
    expect((await lineOf(ranked)).cost_usd).toBe(0.002);
    const embedded = openai.embeddings.create({ model: "text-embedding-3-small", input: "a" });
    expect((await embedded).data).toHaveLength(1);
  });

  it("answer with responses: whole, as a stream, and later", async () => {
    const asked = { model: "gpt-4", input: "a response" };
    expect((await openai.responses.create(asked)).output_text).toBe("gpt-4.1 heard: a response");
    const stream = await openai.responses.create({ ...asked, stream: true });
    let text = "";
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    expect(text).toBe("gpt-4.1 heard: a response");
    const later = openai.responses.create({ ...asked, background: true });
    expect((await later).status).toBe("queued");
    const line = await lineOf(later);
    expect(line).toMatchObject({ input_tokens: null, output_tokens: null, cost_usd: null });
  });

  it("make a conversation shorter, and count one", async () => {
    const asked = { model: "gpt-4", input: "a long conversation" };
    const shorter = openai.responses.compact(asked as OpenAI.Responses.ResponseCompactParams);
    expect((await shorter).output).toMatchObject([{ type: "compaction" }]);
    // Neither takes a bound of its answer or a temperature.
    expect(gateway.upstream.requests[0]?.json).toEqual({ ...asked, model: "gpt-4.1" });
    expect(await lineOf(shorter)).toMatchObject({
      ...{ endpoint: "responses/compact", model: "gpt-4.1", input_tokens: 40, output_tokens: 10 },
    });
    const count = openai.responses.inputTokens.count(asked);
    expect((await count).input_tokens).toBe(40);
    expect(await lineOf(count)).toMatchObject({ input_tokens: 0, cost_usd: 0 });
  });

  it("leave files closed, and open what other_endpoints names", async () => {
    const refused = await openai.files.list().catch((error) => error);
    expect(refused).toMatchObject({ status: 404, code: "unknown_endpoint" });
    expect(gateway.upstream.requests).toEqual([]);
    const opened = await openai.batches.list().catch((error) => error);
    // The stand-in has no batches: but it was asked.
    expect(opened.message).toContain("Unknown request URL");
    expect(gateway.upstream.requests[0]?.url).toBe("/v1/batches");
    expect(gateway.upstream.requests[0]?.headers.authorization).toBe(
      `Bearer ${gateway.upstreamKey}`,
    );
  });

  /** As it is spelt: fetch would mend a path. */
  function post(path: string, consumer: string, model: string, form = false): Promise<number> {
    const boundary = "kong-llm";
    const body = form
      ? `--${boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\n${model}\r\n--${boundary}--\r\n`
      : JSON.stringify({
          ...{ model, max_tokens: 5, prompt: "x", input: "x", query: "x", documents: ["x"] },
          messages: [{ role: "user", content: "x" }],
        });
    const type = form ? `multipart/form-data; boundary=${boundary}` : "application/json";
    return postText(path, consumer, body, type);
  }

  function postText(path: string, consumer: string, body: string, type: string): Promise<number> {
    const headers = {
      "content-type": type,
      "content-length": Buffer.byteLength(body),
      "x-api-key": keyOf(consumer),
    };
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(gateway.url);
      const asked = request({ hostname, port, path, method: "POST", headers, agent: false });
      asked.on("response", (answer) =>
        answer.resume().on("end", () => resolve(answer.statusCode!)),
      );
      asked.on("error", reject);
      asked.end(body);
    });
  }

  const posted = endpoints.filter(({ method }) => method === "POST");

  it.each(posted)("hold a denied model on $name", async ({ name, body }) => {
    expect(await post(`/v1/${name}`, "denied", "denied-model", body === "form")).toBeGreaterThan(
      399,
    );
    expect(gateway.upstream.requests).toEqual([]);
  });

  const hidden = (head: string) =>
    `--kong-llm\r\nContent-Disposition: form-data; name="model"\r\n\r\nopen\r\n--kong-llm\r\n${head}\r\n\r\ndenied-model\r\n--kong-llm--\r\n`;

  it.each([
    ["a header of its part in capitals", 'CONTENT-DISPOSITION: form-data; name="model"'],
    ["an extended name of its part", "Content-Disposition: form-data; name*=utf-8''model"],
    [
      "a value that is decoded",
      'Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: quoted-printable',
    ],
  ])("hold a denied model that hides behind %s", async (_, head) => {
    const type = "multipart/form-data; boundary=kong-llm";
    expect(await postText("/v1/audio/transcriptions", "denied", hidden(head), type)).toBe(400);
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("hold one that an upstream would read where it goes by a type, or by no case", async () => {
    const messages = '"messages":[{"role":"user","content":"x"}]';
    const chat = "/v1/chat/completions";
    const cased = `{"model":"open","Model":"denied-model",${messages}}`;
    expect(await postText(chat, "denied", cased, "application/json")).toBe(400);
    expect(gateway.upstream.requests).toEqual([]);
    for (const type of ["application/x-www-form-urlencoded", "application/json; charset=utf-7"]) {
      // No two are equal, so that no answer is a stored one.
      const asForm = `{"model":"open","stop":"${type}","user":"&model=denied-model&",${messages}}`;
      expect(await postText(chat, "denied", asForm, type)).toBe(200);
    }
    const types = gateway.upstream.requests.map(({ headers }) => headers["content-type"]);
    expect(types).toEqual(["application/json", "application/json"]);
  });

  it("hold an empty budget on each of them", async () => {
    await post("/v1/chat/completions", "broke", "gpt-4");
    gateway.upstream.clear();
    for (const { name, body } of posted) {
      const status = await post(`/v1/${name}`, "broke", "gpt-4", body === "form");
      expect([name, status]).toEqual([name, 429]);
    }
    expect(gateway.upstream.requests).toEqual([]);
  });

  it("hold both in 200 spellings of a path", async () => {
    const spellings = fc.sample(spelling, { numRuns: 200, seed: 20_261_126 });
    for (const path of spellings) {
      const statuses = [
        await post(path, "denied", "denied-model").catch(() => 400),
        await post(path, "broke", "gpt-4").catch(() => 400),
      ];
      expect([path, statuses.every((status) => status >= 400)]).toEqual([path, true]);
    }
    expect(gateway.upstream.requests.map(({ url }) => url)).toEqual([]);
  });
});

const names = endpoints.filter(({ method }) => method === "POST").map(({ name }) => name);
/** One mistake, or none, somewhere in the path of an endpoint: all of them can stand in a request line. */
const spelling = fc
  .tuple(
    fc.constantFrom(...names),
    fc.constantFrom("%2f", "%2F", "//", "/./", "/%2e/", "\\", "%5c", "/x/../"),
    fc.constantFrom(
      "",
      "/",
      "//",
      "%20",
      "%00",
      "#x",
      ";v=1",
      ".json",
      ".",
      "?",
      "%3f",
      "%23",
      "/.",
    ),
    fc.constantFrom("/v1/", "/V1/", "//v1/", "/v1;x/", "/v1%2f", "/./v1/", "/a/../v1/", "/v1/"),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([name, slash, tail, head, upper, slashed]) => {
    const spelt = slashed ? name.replace("/", slash) : name;
    return head + (upper ? spelt.replace(/[a-z]/, (one) => one.toUpperCase()) : spelt) + tail;
  });

const script = `
import io, json, os
from openai import OpenAI, NotFoundError
client = OpenAI(base_url=os.environ["URL"] + "/v1", api_key=os.environ["KEY"], max_retries=0)
said = client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "hello"}])
text = ""
for chunk in client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": "hello"}], stream=True):
    text += chunk.choices[0].delta.content or ""
try:
    client.files.list()
    refused = None
except NotFoundError as error:
    refused = error.code
print(json.dumps({
    "said": said.choices[0].message.content, "streamed": text, "refused": refused,
    "pictures": len(client.images.generate(model="painter", prompt="a river", n=2).data),
    "edited": len(client.images.edit(model="painter", prompt="red", image=("a.png", io.BytesIO(b"x" * 900), "image/png")).data),
    "heard": client.audio.transcriptions.create(model="listener", file=("a.wav", io.BytesIO(b"x" * 900), "audio/wav")).text,
    "flagged": client.moderations.create(input="a").results[0].flagged,
    "response": client.responses.create(model="gpt-4", input="hello").output_text,
    "embedded": len(client.embeddings.create(model="text-embedding-3-small", input="a").data),
}))
`;

describe.skipIf(!pythonHas("openai"))("the Python SDK (skipped where python3 has none)", () => {
  it.each(lua)("asks everything through %s", async (_, config) => {
    const gateway = await startGateway({ config });
    try {
      const heard = "gpt-4.1 heard: hello";
      expect(await python(script, { URL: gateway.url, KEY: gateway.key })).toEqual({
        ...{ said: heard, streamed: heard, response: heard, refused: "unknown_endpoint" },
        ...{ pictures: 2, edited: 1, heard: "This is what was said.", flagged: false, embedded: 1 },
      });
    } finally {
      await gateway.stop();
    }
  });
});
