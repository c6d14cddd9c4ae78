import { describe, expect, it } from "vitest";
import type { NeighbourState } from "../stages/neighbours";
import type { GatewayClient } from "./gateway-client";
import { telemetryArrives } from "./telemetry";

/** @param neighbours as /readyz tells them; undefined where nobody knows its address */
function verdictOn(neighbours: Record<string, NeighbourState> | undefined) {
  const client = { neighbours: async () => neighbours } as unknown as GatewayClient;
  return telemetryArrives({ client, model: "gpt-4", given: new Map() });
}

const well = { ok: true, detail: "It is taken." };

describe("kong-llm doctor, of telemetry", () => {
  it("finds nothing wrong where the receiver takes it, or none is sent", async () => {
    const taken = { "telemetry traces": well, "redis 127.0.0.1:1/0": { ok: false, detail: "no" } };
    expect(await verdictOn(taken)).toEqual({ result: "ok", found: well.detail });
    expect((await verdictOn({ configs: well })).result).toBe("ok");
  });

  it.each([
    ["the receiver does not take", "telemetry metrics"],
    ["the plugin server did not understand", "telemetry settings"],
  ])("says what %s, and what to do", async (_, name) => {
    const detail = "It is not taken: ECONNREFUSED.";
    const verdict = await verdictOn({ "telemetry traces": well, [name]: { ok: false, detail } });
    expect(verdict).toMatchObject({ result: "wrong", found: detail });
    expect(verdict.todo).toContain("OTEL_*");
  });

  it("cannot tell without the plugin server's address", async () => {
    expect(await verdictOn(undefined)).toMatchObject({
      result: "unknown",
      todo: "Give its address as --health-url.",
    });
  });
});
