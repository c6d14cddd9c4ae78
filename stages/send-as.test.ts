import { describe, expect, it, vi } from "vitest";
import type { Exchange } from "./exchange";
import { maySendAs, sendAs } from "./send-as";
import { prepareStage, type Stage } from "./stage";

const exchangeAfter = (stages: object) => ({ ticket: { stages } }) as Exchange;

describe("another model for a request", () => {
  const adapt = vi.fn();
  const models: Stage<object, object> = {
    name: "models",
    guards: true,
    prepare: (options) => options,
    decide: () => undefined,
    permits: (_, model) => model === "open",
    adapt,
  };
  const usage: Stage<object, object> = {
    name: "usage",
    guards: false,
    prepare: (options) => options,
    decide: () => undefined,
  };

  it("is what all stages so far let it be, and is made so by them", () => {
    const options = { a: 1 };
    const exchange = exchangeAfter({
      usage: { options: prepareStage(usage, options).options },
      models: { options: prepareStage(models, options).options },
    });
    expect(maySendAs(exchange, "open")).toBe(true);
    expect(maySendAs(exchange, "closed")).toBe(false);
    sendAs(exchange, "open");
    expect(adapt.mock.calls).toEqual([[exchange, "open", options]]);
  });

  it("is anything where no stage has decided before", () => {
    expect(maySendAs(exchangeAfter({}), "any")).toBe(true);
  });

  it("is none where a stage that decided cannot be asked here", () => {
    const exchange = exchangeAfter({ models: { options: "of another process" } });
    expect(maySendAs(exchange, "open")).toBe(false);
    sendAs(exchange, "open");
  });
});
