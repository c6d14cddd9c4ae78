import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { GatewayClient } from "./gateway-client";
import { secondTries } from "./second-tries";
import type { Verdict } from "./verdict";

let server: Server | undefined;
afterEach(() => void server?.close());

/** @param told what /readyz answers, with 503 as while the plugin server stops */
async function verdictOn(told: string): Promise<Verdict> {
  const health = createServer((request, response) => {
    response.writeHead(request.url === "/readyz" ? 503 : 404).end(told);
  });
  server = health;
  await new Promise<void>((listening) => health.listen(0, "127.0.0.1", listening));
  const { port } = health.address() as AddressInfo;
  return verdict(new URL(`http://127.0.0.1:${port}`));
}

function verdict(healthUrl?: URL): Promise<Verdict> {
  const client = new GatewayClient({ url: new URL("http://127.0.0.1:1"), key: "k", healthUrl });
  return secondTries({ client, model: "gpt-4", given: new Map() });
}

const saying = (ok: boolean, detail: string) =>
  JSON.stringify({ ready: false, neighbours: { "second tries": { ok, detail } } });

describe("kong-llm doctor, of second tries", () => {
  it("says what to set where Kong makes none", async () => {
    const { result, found, todo } = await verdictOn(saying(false, "Kong makes none."));
    expect({ result, found }).toEqual({ result: "wrong", found: "Kong makes none." });
    expect(todo).toContain("error http_429 http_502 http_503 non_idempotent");
    expect(todo).toContain("retries: 0");
  });

  it("finds nothing wrong where Kong makes them, or nobody asks for any", async () => {
    expect(await verdictOn(saying(true, "Kong makes them."))).toEqual({
      result: "ok",
      found: "Kong makes them.",
    });
    server?.close();
    expect((await verdictOn('{"neighbours":{}}')).result).toBe("ok");
  });

  it.each(["", "[]", '{"neighbours":{"second tries":true}}', "<html>"])(
    "cannot tell where the plugin server answers %j",
    async (told) => {
      expect((await verdictOn(told)).result).toBe("unknown");
    },
  );

  it("cannot tell without the plugin server's address", async () => {
    const { result, todo } = await verdict();
    expect({ result, todo }).toEqual({
      result: "unknown",
      todo: "Give its address as --health-url.",
    });
  });
});
