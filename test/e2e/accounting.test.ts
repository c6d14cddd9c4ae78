// A thousand requests of all kinds, counted four times: by the clients that got the answers, by the
// metrics, by the usage lines and by the limits in Redis. All agree to the token.

import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UsageLine } from "../../plugins/llm-usage/usage-line";
import { Gate } from "../../stand-in/model-server";
import { type Gateway, startGateway } from "../support/gateway";
import { startRedis, type TestRedis } from "../support/redis";

/** In the words of chat, or of responses and messages. */
interface Usage {
  prompt_tokens?: number;
  completion_tokens?: number;
  input_tokens?: number;
  output_tokens?: number;
  /** Anthropic states these beside the input. */
  cache_read_input_tokens?: number;
  cache_creation_input_tokens?: number;
}

function inputOf(usage: Usage | undefined): number | undefined {
  const { cache_read_input_tokens = 0, cache_creation_input_tokens = 0 } = usage ?? {};
  const apart = cache_read_input_tokens + cache_creation_input_tokens;
  return usage?.prompt_tokens ?? (usage?.input_tokens ?? 0) + apart;
}

/** What a client saw of one request. */
interface Seen {
  status: number;
  /** As the answer states it; undefined where it does not. */
  usage?: Usage;
  hit: boolean;
}

type Ask = (n: number) => Promise<Seen>;

const most = 1_000_000_000;
const patience = { timeout: 60_000 };
let gateway: Gateway;
let redis: TestRedis;
/** What the plugin server has written so far. */
let printed = "";

beforeAll(async () => {
  redis = await startRedis();
  gateway = await startGateway({
    redis: redis.url,
    printed: (text) => {
      printed += text;
    },
    edit(config) {
      Object.assign(config.options("rate_limit"), {
        requests: { month: most },
        tokens: { month: most },
        cost_usd: { month: 1_000_000 },
        unpriced_models: "allow",
      });
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await redis?.stop();
});

function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(gateway.url + path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": gateway.key },
    body: typeof body === "string" ? body : JSON.stringify(body),
    signal,
  });
}

const chat = (content: string, model = "gpt-4", more: object = {}) => ({
  model,
  messages: [{ role: "user", content }],
  ...more,
});

async function whole(path: string, body: unknown): Promise<Seen> {
  const answer = await post(path, body);
  const text = await answer.text();
  const stated = [...text.matchAll(/"usage":(\{(?:[^{}]|\{[^{}]*\})*\})/g)].map(
    ([, usage]) => JSON.parse(usage!) as Usage,
  );
  return {
    status: answer.status,
    usage: stated.length === 0 ? undefined : Object.assign({}, ...stated),
    hit: answer.headers.get("x-cache-status") === "Hit",
  };
}

/** A stream that the upstream cuts, or that the client leaves after its first bytes. */
async function half(model: string, content: string, leaves: boolean): Promise<Seen> {
  const leave = new AbortController();
  const answer = await post(
    "/v1/chat/completions",
    chat(content, model, { stream: true }),
    leave.signal,
  );
  try {
    for await (const _piece of answer.body ?? []) if (leaves) leave.abort();
  } catch {
    // Cut, as it is meant to be.
  }
  return { status: answer.status, hit: false };
}

const message = (content: string, more: object = {}) => ({
  ...{ model: "claude", max_tokens: 50, messages: [{ role: "user", content }] },
  ...more,
});
const mark = { cache_control: { type: "ephemeral" } };
const longSystem = [{ type: "text", text: "rule ".repeat(1500), ...mark }];

const path = "/v1/chat/completions";
const json: Ask = (n) => whole(path, chat(`question ${"x ".repeat(n % 50)} ${n}`));
// A client gets the usage of a stream only where it asks for it; the gateway asks for the others.
const askForUsage = { stream_options: { include_usage: true } };
const stream: Ask = (n) =>
  whole(
    path,
    chat(`stream ${"y ".repeat(n % 40)} ${n}`, "gpt-4", { stream: true, ...askForUsage }),
  );
const kinds: [share: number, ask: Ask][] = [
  [250, json],
  [190, stream],
  [50, (n) => whole("/v1/embeddings", { model: "text-embedding-3-small", input: [`text ${n}`] })],
  [40, (n) => whole("/v1/messages", message(`message ${n}`))],
  [40, (n) => whole("/v1/messages", message(`stream of ${n}`, { stream: true }))],
  [20, (n) => whole("/v1/messages", message(`cached ${n}`, { system: longSystem }))],
  [10, (n) => whole("/v1/messages/count_tokens", message(`count ${n}`))],
  [20, (n) => whole("/v1/images/generations", { model: "painter", prompt: `paint ${n}`, n: 2 })],
  [10, (n) => whole("/v1/moderations", { model: "moderator", input: `harmless ${n}` })],
  [10, (n) => whole("/v1/rerank", { model: "ranker", query: "q", documents: [`${n}`] })],
  [10, (n) => whole("/v1/audio/speech", { model: "speaker", voice: "v", input: `say ${n}` })],
  [40, (n) => whole("/v1/responses", { model: "gpt-4.1", input: `say ${n}`, reasoning: {} })],
  [30, (n) => whole(path, chat(`none ${n}`, "stand-in-no-usage"))],
  [30, (n) => whole(path, chat(`none ${n}`, "stand-in-no-usage", { stream: true }))],
  [40, (n) => whole(path, chat(`fails ${n}`, "stand-in-500"))],
  [30, () => whole(path, "not json")],
  [20, (n) => half("stand-in-cut", `cut ${n}`, false)],
  [10, (n) => half("stand-in-trickle", `left ${n}`, true)],
];
const repeats = 150;

/** Twenty at a time, the kinds mixed. */
async function run(asks: { ask: Ask; n: number }[]): Promise<Seen[]> {
  const left = [...asks];
  const seen: Seen[] = [];
  const worker = async () => {
    for (let next = left.pop(); next; next = left.pop()) seen.push(await next.ask(next.n));
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return seen;
}

const lines = (): UsageLine[] =>
  printed
    .slice(0, printed.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line.includes('"requested_model"'))
    .map((line) => JSON.parse(line));

const sum = (numbers: (number | null | undefined)[]) =>
  numbers.reduce<number>((total, one) => total + (one ?? 0), 0);

/** The tally of a measure in Redis, in its own unit. */
async function tally(measure: string): Promise<number> {
  const client = new Redis(redis.url);
  const [name, ...others] = await client.keys(`kong-llm:limit:*:${measure}:month:*`);
  expect(others).toEqual([]);
  const count = await client.hget(name!, "count");
  client.disconnect();
  return Number(count);
}

describe("a thousand requests", () => {
  it("are counted alike by clients, metrics, usage lines and Redis", {
    timeout: 600_000,
  }, async () => {
    gateway.upstream.behave({ match: "stand-in-trickle", chunkDelayMs: 600_000 });
    const asks = kinds.flatMap(([share, ask]) => Array.from({ length: share }, () => ask));
    // Every 7th in turn: 7 and 850 have no common divisor, so all come, well mixed.
    const mixed = asks.map((_, n) => ({ ask: asks[(n * 7) % asks.length]!, n }));
    const first = await run(mixed);
    await expect.poll(() => lines().length, patience).toBe(asks.length);
    const again = mixed.filter(({ ask }) => ask === json || ask === stream).slice(0, repeats);
    const second = await run(again);
    const seen = [...first, ...second];
    await expect.poll(() => lines().length, patience).toBe(1000);

    const told = lines();
    expect(seen).toHaveLength(1000);
    expect(new Set(told.map(({ request_id }) => request_id)).size).toBe(1000);
    expect(second.filter(({ hit }) => hit)).toHaveLength(repeats);

    // Clients and usage lines: what the upstream stated.
    const stated = seen.filter(({ usage, hit }) => usage && !hit);
    const exact = told.filter(({ estimated }) => !estimated);
    expect(sum(exact.map(({ input_tokens }) => input_tokens))).toBe(
      sum(stated.map(({ usage }) => inputOf(usage))),
    );
    expect(sum(exact.map(({ output_tokens }) => output_tokens))).toBe(
      sum(stated.map(({ usage }) => usage?.completion_tokens ?? usage?.output_tokens)),
    );
    // Usage lines and metrics, estimates included.
    const metric = gateway.pluginServer.metric;
    const tokens = {
      input: told.map(({ input_tokens }) => input_tokens),
      output: told.map(({ output_tokens }) => output_tokens),
    };
    for (const type of ["input", "output"] as const) {
      expect(await metric("llm_tokens_total", { type: type })).toBe(sum(tokens[type]));
      expect(await metric("llm_consumer_tokens_total", { type })).toBe(sum(tokens[type]));
    }
    // Dollars to the last digit: a line's are whole nano-dollars.
    const nanoSum = (usd: (number | null)[]) => sum(usd.map((one) => Math.round((one ?? 0) * 1e9)));
    const cost = nanoSum(told.map(({ cost_usd }) => cost_usd));
    expect(cost).toBeGreaterThan(0);
    // Each series is exact; their sum is made here.
    const nanoOf = async (name: string) => Math.round((await metric(name)) * 1e9);
    expect(await nanoOf("llm_cost_usd_total")).toBe(cost);
    const saved = nanoSum(told.map(({ saved_usd }) => saved_usd));
    expect(saved).toBeGreaterThan(0);
    expect(await nanoOf("llm_cache_saved_usd_total")).toBe(saved);

    // Redis: every request that was let through, and what it has taken in the end, which is settled beside
    // the line.
    const used = sum([...tokens.input, ...tokens.output]);
    await expect.poll(() => tally("tokens"), patience).toBe(used);
    await expect.poll(() => tally("cost_usd"), patience).toBe(cost);
    expect(await tally("requests")).toBe(told.filter(({ limit }) => limit === "allowed").length);

    // How they ended.
    const count = (is: (line: UsageLine) => boolean) => told.filter(is).length;
    expect(count(({ source }) => source === "cache")).toBe(repeats);
    expect(count(({ status, source }) => source === "gateway" && status === 400)).toBe(30);
    expect(count(({ status, source }) => source === "service" && status === 500)).toBe(40);
    expect(count(({ cut_by }) => cut_by === "upstream")).toBe(20);
    expect(count(({ cut_by }) => cut_by === "client")).toBe(10);
    expect(count(({ estimated }) => estimated)).toBe(30 + 30 + 20 + 10);
    for (const source of ["service", "cache", "gateway"]) {
      expect(await metric("llm_requests_total", { source })).toBe(
        count((line) => line.source === source),
      );
    }
    for (const by of ["client", "upstream"] as const) {
      expect(await metric("llm_answers_cut_total", { by })).toBe(
        count(({ cut_by }) => cut_by === by),
      );
    }
  });
});

describe("a client that leaves before its answer", () => {
  it("is counted for its prompt, which the upstream has got", async () => {
    const hold = new Gate();
    gateway.upstream.clear();
    gateway.upstream.behave({ holdHeaders: hold, times: 1 });
    const leave = new AbortController();
    const before = await gateway.pluginServer.metric("llm_tokens_total", { type: "input" });
    const left = post(path, chat("x".repeat(400)), leave.signal).catch(() => "left");
    await gateway.upstream.arrived(1);
    leave.abort();
    expect(await left).toBe("left");

    const unanswered = () => lines().filter(({ status }) => status === 499);
    await expect.poll(() => unanswered().length, patience).toBe(1);
    hold.open();
    expect(unanswered()[0]).toMatchObject({ input_tokens: 104, output_tokens: 0, estimated: true });
    const after = await gateway.pluginServer.metric("llm_tokens_total", { type: "input" });
    expect(after - before).toBe(104);
  });
});
