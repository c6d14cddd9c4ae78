import { describe, expect, it } from "vitest";
import { RequestBody } from "../../openai/request-body";
import { targetName } from "../../stages/allowances";
import type { Exchange } from "../../stages/exchange";
import type { Choice } from "../../stages/ticket";
import { knownHere } from "./cooldowns-in-memory";
import { modelsOptions } from "./schema";
import { stage } from "./stage";

function exchangeOf(more: Partial<Choice> = {}, service = "chosen"): Exchange {
  const model = more.dry_run ? "auto" : "small-1";
  const body = RequestBody.parse(JSON.stringify({ model, messages: [] }));
  if (!(body instanceof RequestBody)) throw new Error(body.problem);
  const choice: Choice = {
    ...{ requested: "auto", name: "auto", tier: "small", reason: "difficulty" },
    models: [
      ["small-1", "small"],
      ["small-2", "small"],
      ["strong-1", "strong"],
    ],
    ...more,
  };
  const endpoint = "chat/completions";
  return {
    request: { id: "r1", method: "POST", path: `/v1/${endpoint}`, client_ip: "127.0.0.1", service },
    ...{ consumer: undefined, body, upstreamHeaders: {}, responseHeaders: {}, keep: 0 },
    ticket: {
      id: "r1",
      started_at: 0,
      method: "POST",
      endpoint,
      stream: false,
      choice,
      stages: {},
    },
  };
}

const prepared = (options: object = {}) => stage.prepare(modelsOptions.parse(options));
const allow = (...models: string[]) => ({ access: [{ allow: models }] });

describe("llm-models › behind a choice", () => {
  it("serves what was chosen, though the name is unknown here, and tells the models apart", async () => {
    const exchange = exchangeOf();
    await stage.decide(exchange, prepared({ unknown_models: "reject" }));
    expect(exchange.ticket.model).toEqual({
      requested: "auto",
      served: "small-1",
      label: "small-1",
    });
    expect(exchange.ticket.choice?.reason).toBe("difficulty");
  });

  it("passes a model over that the caller may not use, and says so", async () => {
    const exchange = exchangeOf();
    await stage.decide(exchange, prepared(allow("strong-*")));
    expect(exchange.body!.get("model")).toBe("strong-1");
    expect(exchange.ticket.choice).toMatchObject({ tier: "strong", reason: "access" });
    expect(exchange.ticket.choice?.models).toEqual([["strong-1", "strong"]]);
    expect(exchange.responseHeaders["X-LLM-Route"]).toBe(
      "tier=strong; model=strong-1; reason=access",
    );
  });

  it("opens all of them to who may use the name, and answers 404 to who may use none", async () => {
    const open = exchangeOf();
    await stage.decide(open, prepared(allow("auto")));
    expect(open.body!.get("model")).toBe("small-1");
    const closed = await stage.decide(exchangeOf(), prepared(allow("other")));
    expect(closed).toMatchObject({ answer: { status: 404, error: { code: "model_not_found" } } });
  });

  it("leaves a model alone that cools down, and remembers who else is well", async () => {
    const exchange = exchangeOf({}, "cooling");
    for (const model of ["small-1", "small-2"]) {
      const failure = { sentAt: Date.now(), endedAt: Date.now(), coolMs: 60_000, atOnce: true };
      await knownHere.fail(targetName("cooling", model), failure, { failures: 1, windowMs: 1000 });
    }
    await stage.decide(exchange, prepared());
    expect(exchange.ticket.model).toMatchObject({ served: "strong-1", fallback_from: "small-1" });
    expect(exchange.ticket.choice).toMatchObject({ tier: "strong", reason: "cooldown" });
    expect(exchange.ticket.choice?.models).toEqual([["strong-1", "strong"]]);
  });

  it("watches whether those that were chosen fail", async () => {
    const decided = await stage.decide(exchangeOf(), prepared());
    expect(decided).toMatchObject({ note: { model: "small-1", service: "chosen" } });
  });

  it("serves the name as it always did where the choice only reports", async () => {
    const options = { aliases: [{ name: "auto", target: "gpt-4.1" }] };
    const exchange = exchangeOf({ dry_run: true });
    await stage.decide(exchange, prepared(options));
    expect(exchange.ticket.model).toMatchObject({ requested: "auto", served: "gpt-4.1" });
  });

  it("lists the names that are choices to who may use one of their models", async () => {
    const listFor = async (options: object) => {
      const exchange = exchangeOf();
      const request = { ...exchange.request, method: "GET", path: "/v1/models" };
      const choices = [{ name: "auto", models: ["small-1", "strong-1"] }];
      const ticket = { ...exchange.ticket, endpoint: "models", choice: undefined, choices };
      const decided = await stage.decide(
        { ...exchange, request, ticket, body: undefined },
        prepared(options),
      );
      const { data } = JSON.parse((decided as { answer: { body: string } }).answer.body);
      return data.map(({ id }: { id: string }) => id);
    };
    expect(await listFor({ models: ["gpt-4.1"] })).toEqual(["auto", "gpt-4.1"]);
    expect(await listFor({ models: ["gpt-4.1"], ...allow("strong-1") })).toEqual(["auto"]);
    expect(await listFor({ models: ["gpt-4.1"], ...allow("gpt-4.1") })).toEqual(["gpt-4.1"]);
  });
});
