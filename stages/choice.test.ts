import { describe, expect, it } from "vitest";
import { choosing } from "../test/support/choosing";
import { chooseAgain, keepOnly, servedTier, tellSecondTry } from "./choice";
import type { Exchange } from "./exchange";
import type { Choice } from "./ticket";

const models: Choice["models"] = [
  ["cheap", "small"],
  ["middling", "standard"],
  ["dear", "strong"],
];

const exchangeOf = (more: Partial<Choice> = {}) => choosing(models, more);

describe("a choice", () => {
  it("goes on with the next model where the first may not serve, and tells so", () => {
    const exchange = exchangeOf();
    keepOnly(exchange, (model) => model !== "cheap", "access");
    expect(exchange.ticket.choice).toMatchObject({ tier: "standard", reason: "access" });
    expect(exchange.responseHeaders["X-LLM-Route"]).toBe(
      "tier=standard; model=middling; reason=access",
    );
  });

  it("keeps its reason where another than the first may not serve", () => {
    const exchange = exchangeOf();
    keepOnly(exchange, (model) => model !== "dear", "access");
    expect(exchange.ticket.choice).toMatchObject({ tier: "small", reason: "difficulty" });
    expect(exchange.ticket.choice?.models).toEqual(models.slice(0, 2));
    expect(exchange.responseHeaders).toEqual({});
  });

  it("is empty where none may serve", () => {
    const exchange = exchangeOf();
    keepOnly(exchange, () => false, "access");
    expect(exchange.ticket.choice?.models).toEqual([]);
  });

  it("changes to another model and takes the one before it out", () => {
    const exchange = exchangeOf();
    chooseAgain(exchange, "dear", "budget");
    expect(exchange.ticket.choice).toMatchObject({ tier: "strong", reason: "budget" });
    expect(exchange.ticket.choice?.models.map(([model]) => model)).toEqual(["dear", "middling"]);
  });

  it("changes to a model that is named with its provider, too", () => {
    const named = exchangeOf({
      models: [
        ["a/cheap", "small"],
        ["b/dear", "strong"],
      ],
    });
    const { ticket } = named;
    chooseAgain({ ...named, ticket: { ...ticket, provider: "a" } }, "dear", "budget");
    expect(named.responseHeaders).toEqual({});
    chooseAgain({ ...named, ticket: { ...ticket, provider: "b" } }, "dear", "budget");
    expect(named.responseHeaders["X-LLM-Route"]).toBe("tier=strong; model=b/dear; reason=budget");
  });

  it.each([
    ["to a model that is none of it", "unknown", {}],
    ["to the model that serves", "cheap", {}],
    ["in a dry run", "dear", { dry_run: true as const }],
  ])("does not change %s", (_, model, more) => {
    const exchange = exchangeOf(more);
    const before = exchange.ticket.choice;
    chooseAgain(exchange, model, "budget");
    expect(exchange.ticket.choice).toBe(before);
  });

  it("stays as it is for the first try while a second one is made of it", () => {
    const first = exchangeOf();
    const before = first.ticket.choice;
    const second: Exchange = { ...first, ticket: { ...first.ticket }, responseHeaders: {} };
    chooseAgain(second, "middling", "budget");
    tellSecondTry(second, before);
    expect(first.ticket.choice).toBe(before);
    expect(before?.models).toBe(models);
    expect(second.responseHeaders["X-LLM-Route"]).toBe(
      "tier=standard; model=middling; reason=second_try",
    );
  });

  it.each([
    ["cheap", { tier: "small", reason: "difficulty" }],
    ["dear", { tier: "strong", reason: "second_try" }],
    ["unknown", { tier: "small", reason: "difficulty" }],
  ])("tells which tier served as %s", (served, expected) => {
    const { ticket } = exchangeOf();
    const model = { requested: "auto", served, label: served };
    expect(servedTier({ ...ticket, model })).toMatchObject(expected);
  });

  it("tells which tier served by a model that is named with its provider", () => {
    const named = exchangeOf({
      models: [
        ["a/cheap", "small"],
        ["b/dear", "strong"],
      ],
    });
    const model = { requested: "auto", served: "dear", label: "dear" };
    const { ticket } = named;
    const expected = { tier: "strong", reason: "second_try" };
    expect(servedTier({ ...ticket, model, provider: "b" })).toEqual(expected);
    expect(servedTier({ ...ticket, model, provider: "a" })).toBe(ticket.choice);
  });
});
