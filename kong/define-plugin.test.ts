import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import type { Decision } from "../stages/decision";
import type { GatheredRequest } from "../stages/exchange";
import { log } from "../stages/log";
import { delivery } from "../stages/outcome";
import { prepareStage, type Stage } from "../stages/stage";
import type { StageName } from "../stages/stage-name";
import { readTicket } from "../stages/ticket";
import { definePlugin } from "./define-plugin";
import type { Pdk } from "./pdk";

const request: GatheredRequest = {
  id: "r1",
  method: "POST",
  path: "/v1/chat/completions",
  body: '{"model":"gpt-4"}',
  bytes: 17,
  client_ip: "127.0.0.1",
  route: "chat",
};
const consumer = { id: "c1", username: "team-a" };

/** What Kong would have seen of one access event: its context, and how the plugin answered. */
function kongWith(shared: Record<string, unknown>, who: object | undefined = consumer) {
  const calls: string[] = [];
  const seen: { exit?: { status: number; body: string; headers: Record<string, string> } } = {};
  const kong = {
    ctx: {
      shared: {
        get: async (key: string) => {
          calls.push(`get ${key}`);
          return shared[key];
        },
        set: async (key: string, value: unknown) => {
          calls.push(`set ${key}`);
          shared[key] = value;
        },
      },
    },
    client: {
      getConsumer: async () => {
        calls.push("get_consumer");
        return who;
      },
    },
    response: {
      exit: async (status: number, body: string, headers: Record<string, string>) => {
        calls.push("exit");
        seen.exit = { status, body, headers };
      },
    },
  } as unknown as Pdk;
  return { kong, shared, calls, seen };
}

let serial = 0;

// Options differ in each test, so that each prepares a stage of its own.
function stageWith(
  more: Partial<Stage<{ serial: number }, undefined, z.ZodType>> & { name?: StageName },
) {
  return prepareStage<{ serial: number }, undefined, z.ZodType>(
    { name: "models", guards: true, prepare: () => undefined, decide: () => undefined, ...more },
    { serial: serial++ },
  );
}

function pluginWith(
  stages: ReturnType<typeof stageWith>[],
  more: { alone?: boolean; requires?: boolean } = {},
) {
  const { Plugin } = definePlugin({
    name: more.alone === false ? "llm-cache" : "llm-gateway",
    schema: z.object({ word: z.string().default("x") }),
    alone: more.alone ?? true,
    stages: () => stages,
    mostBodyBytes: () => 1000,
    requiresConsumer: () => more.requires ?? true,
  });
  return new Plugin({ word: "y", __plugin_id: "1", $refs: { word: "{vault://env/word}" } });
}

afterEach(() => {
  vi.restoreAllMocks();
  delivery.socket = undefined;
});

describe("a plugin made of stages", () => {
  it("asks Kong three questions and hands one decision to carry-out", async () => {
    delivery.socket = "/run/outcomes.sock";
    const { kong, shared, calls } = kongWith({ llm: request });
    const stage = stageWith({
      decide(exchange) {
        exchange.body?.set("model", "gpt-4.1");
        exchange.upstreamHeaders.authorization = "Bearer up";
        exchange.responseHeaders["X-LLM-Model"] = "gpt-4.1";
        exchange.keep = 100;
        return { note: { reserved: 5 } };
      },
    });
    await pluginWith([stage]).access(kong);

    expect(calls).toEqual(["get llm", "get_consumer", "set llm_decision"]);
    const decision = shared.llm_decision as Decision;
    expect(decision).toMatchObject({
      plugins: ["llm-gateway"],
      headers: { authorization: "Bearer up" },
      edits: [[[9, 7, '"gpt-4.1"']]],
      response_headers: { "X-LLM-Model": "gpt-4.1" },
      keep: 100,
      outcomes_socket: "/run/outcomes.sock",
    });
    expect(readTicket(decision.ticket)).toMatchObject({
      id: "r1",
      endpoint: "chat/completions",
      consumer: "team-a",
      route: "chat",
      stages: { models: { options: stage.options, note: { reserved: 5 } } },
    });
  });

  it("does not send back a body that no stage changed", async () => {
    const { kong, shared } = kongWith({ llm: request });
    await pluginWith([stageWith({})]).access(kong);
    expect(shared.llm_decision).toHaveProperty("edits", []);
  });

  it.each([
    ["what gather did not gather", {}, consumer, 503, "gateway_misconfigured"],
    ["a request without a consumer", { llm: request }, undefined, 401, "invalid_api_key"],
    [
      "a body over the bound",
      { llm: { ...request, bytes: 1001 } },
      consumer,
      413,
      "request_too_large",
    ],
    ["a body that is no JSON", { llm: { ...request, body: "{", bytes: 1 } }, consumer, 400, null],
    [
      "a path that its upstream may decode into chat/completions",
      { llm: { ...request, path: "/v1/chat%2Fcompletions" } },
      consumer,
      404,
      "unknown_endpoint",
    ],
    ["a body that is missing", { llm: { ...request, body: undefined } }, consumer, 400, null],
  ])("refuses %s in OpenAI's shape", async (_, shared, who, status, code) => {
    const { kong, seen } = kongWith(shared);
    kong.client.getConsumer = async () => who as never;
    await pluginWith([stageWith({})]).access(kong);
    expect(seen.exit?.status).toBe(status);
    expect(JSON.parse(seen.exit!.body).error).toMatchObject({ code });
    expect(seen.exit?.headers).toMatchObject({
      "Content-Type": "application/json",
      "X-LLM-Source": "gateway",
    });
    expect(shared).not.toHaveProperty("llm_decision");
  });

  it("answers a stored stream without the chunk that only the gateway has asked for, and learns from it", async () => {
    const learned = vi.fn();
    const usage = 'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n';
    const answer = {
      status: 200,
      headers: {},
      body: `${usage}data: [DONE]\n\n`,
      source: "cache" as const,
    };
    const streamed = { ...request, id: "stored", body: '{"stream":true}', bytes: 15 };
    const { kong, seen } = kongWith({ llm: streamed });
    const asking = stageWith({
      learn: learned,
      decide: (exchange) => {
        exchange.withoutUsage = true;
        return undefined;
      },
    });
    await pluginWith([asking, stageWith({ name: "cache", decide: () => ({ answer }) })]).access(
      kong,
    );
    expect(seen.exit?.body).toBe("data: [DONE]\n\n");
    expect(learned.mock.calls[0]?.[0]).toMatchObject({ body: Buffer.from(answer.body) });
  });

  it("shows what it refuses to a stage that only watches", async () => {
    const learned = vi.fn();
    const { kong } = kongWith({ llm: { ...request, id: "watched", body: "{", bytes: 1 } });
    const watcher = stageWith({ name: "usage", guards: false, learn: learned });
    const never = vi.fn();
    await pluginWith([watcher, stageWith({ decide: never })]).access(kong);
    expect(never).not.toHaveBeenCalled();
    expect(learned).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ status: 400, source: "gateway" }),
      undefined,
      undefined,
    );
  });

  it("lets a request without a consumer pass where none is required", async () => {
    const { kong, shared } = kongWith({ llm: request });
    kong.client.getConsumer = async () => undefined as never;
    await pluginWith([stageWith({})], { requires: false }).access(kong);
    expect(shared).toHaveProperty("llm_decision");
  });

  it("answers what a stage answers, asks no later stage, and tells the earlier ones", async () => {
    const learned = vi.fn();
    const never = vi.fn();
    const { kong, seen } = kongWith({ llm: { ...request, id: "answered" } });
    await pluginWith([
      stageWith({
        name: "usage",
        note: z.number(),
        decide: () => ({ note: 7 }),
        learn: learned,
      }),
      stageWith({
        name: "cache",
        decide: () => ({
          answer: {
            status: 200,
            headers: { "Content-Type": "application/json", Age: "3" },
            body: "{}",
            source: "cache",
          },
        }),
      }),
      stageWith({ name: "upstream_key", decide: never }),
    ]).access(kong);

    expect(seen.exit).toEqual({
      status: 200,
      body: "{}",
      headers: { "Content-Type": "application/json", "X-LLM-Source": "cache", Age: "3" },
    });
    expect(never).not.toHaveBeenCalled();
    expect(learned).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ status: 200, source: "cache", complete: true }),
      7,
      undefined,
    );
  });

  describe("when a stage fails", () => {
    const failing = {
      decide: () => {
        throw new Error("boom");
      },
    };

    it("refuses the request if the stage guards", async () => {
      const error = vi.spyOn(log, "error").mockImplementation(() => undefined);
      const { kong, seen, shared } = kongWith({ llm: request });
      await pluginWith([stageWith(failing)]).access(kong);
      expect(seen.exit?.status).toBe(500);
      expect(JSON.parse(seen.exit!.body).error.code).toBe("gateway_error");
      expect(shared).not.toHaveProperty("llm_decision");
      expect(error.mock.calls[0]?.[0]).toMatchObject({ route: "chat", request_id: "r1" });
      expect(JSON.stringify(error.mock.calls)).not.toContain("gpt-4");
    });

    it("goes on without it if it guards nothing", async () => {
      vi.spyOn(log, "error").mockImplementation(() => undefined);
      const { kong, shared } = kongWith({ llm: request });
      await pluginWith([stageWith({ ...failing, guards: false, name: "cache" })]).access(kong);
      expect(readTicket((shared.llm_decision as Decision).ticket)?.stages).toEqual({});
    });
  });

  it("gives snippets of version 0.1, which know no edits, the body as it shall be", async () => {
    const renaming = stageWith({
      decide(exchange) {
        exchange.body?.set("model", "gpt-4.1");
        return undefined;
      },
    });
    const old = kongWith({ llm: request });
    await pluginWith([renaming]).access(old.kong);
    const { body } = old.shared.llm_decision as { body: string };
    expect(JSON.parse(body).model).toBe("gpt-4.1");

    const current = kongWith({ llm: { ...request, takes_edits: true } });
    await pluginWith([renaming]).access(current.kong);
    expect(current.shared.llm_decision).not.toHaveProperty("body");
  });

  it("fetches a long body from Kong, where it has waited for its turn", async () => {
    const { body, ...others } = request;
    const long_body = 2 * 1024 * 1024;
    const { kong, calls } = kongWith({ llm: { ...others, long_body }, llm_body: body });
    let model: unknown;
    const reading = stageWith({
      decide(exchange) {
        model = exchange.body?.get("model");
        return undefined;
      },
    });
    await pluginWith([reading]).access(kong);
    expect(model).toBe(JSON.parse(`${body}`).model);
    expect(calls).toContain("get llm_body");
  });

  it("goes on from what another plugin of ours decided", async () => {
    const { kong, shared, calls } = kongWith({ llm: request });
    const first = stageWith({
      decide(exchange) {
        exchange.body?.set("model", "gpt-4.1");
        exchange.responseHeaders.A = "1";
        return undefined;
      },
    });
    const second = stageWith({
      name: "cache",
      decide(exchange) {
        expect(exchange.body?.get("model")).toBe("gpt-4.1");
        exchange.responseHeaders.B = "2";
        return undefined;
      },
    });
    await pluginWith([first], { alone: false }).access(kong);
    await pluginWith([second], { alone: false }).access(kong);

    expect(calls.slice(4)).toEqual([
      "get llm",
      "get_consumer",
      "get llm_decision",
      "set llm_decision",
    ]);
    expect(shared.llm_decision).toMatchObject({
      plugins: ["llm-cache", "llm-cache"],
      edits: [[[9, 7, '"gpt-4.1"']]],
      response_headers: { A: "1", B: "2" },
    });
    const ticket = readTicket((shared.llm_decision as Decision).ticket);
    expect(Object.keys(ticket!.stages)).toEqual(["models", "cache"]);
  });
});
