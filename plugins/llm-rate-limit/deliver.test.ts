import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { deliver, type Receiver, signature } from "./deliver";

let server: Server | undefined;
afterEach(async () => {
  await new Promise((closed) => (server ? server.close(closed) : closed(undefined)));
  server = undefined;
});

interface Got {
  method: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver that answers so, and what it has got. */
async function receiver(status: number, headers: Record<string, string> = {}) {
  const got: Got[] = [];
  server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString();
      got.push({ method: request.method, headers: request.headers, body });
      response.writeHead(status, headers).end("thanks");
    });
  });
  await new Promise<void>((listening) => server!.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=hidden`;
  return { url, got };
}

const message = { id: "msg_1", body: '{"text":"50 %"}' };
const to = (url: string, secret = ""): Receiver => ({ url, secret, format: "json" });

describe("llm-rate-limit", () => {
  describe("a message", () => {
    it("is sent as JSON, and not signed without a secret", async () => {
      const { url, got } = await receiver(204);
      expect(await deliver(to(url), message)).toEqual({ result: "delivered" });
      expect(got[0]).toMatchObject({ method: "POST", body: message.body });
      expect(got[0]!.headers["content-type"]).toBe("application/json");
      expect(got[0]!.headers["webhook-signature"]).toBe(undefined);
    });

    it("is signed over its id, the time and the body, as Standard Webhooks has it", async () => {
      const { url, got } = await receiver(200);
      const at = Date.UTC(2026, 10, 20);
      await deliver(to(url, "a secret of ours"), message, at);
      const seconds = `${at / 1000}`;
      const hmac = createHmac("sha256", "a secret of ours");
      expect(got[0]!.headers).toMatchObject({
        "webhook-id": "msg_1",
        "webhook-timestamp": seconds,
        "webhook-signature": `v1,${hmac.update(`msg_1.${seconds}.${message.body}`).digest("base64")}`,
      });
    });

    it("is signed by the bytes that stand behind whsec_", () => {
      const bytes = Buffer.from("a secret of ours");
      const spelt = signature(`whsec_${bytes.toString("base64")}`, "msg_1", 5000, "{}");
      expect(spelt).toEqual(signature("a secret of ours", "msg_1", 5000, "{}"));
      expect(spelt["webhook-timestamp"]).toBe("5");
    });

    it.each([
      [500, "later"],
      [503, "later"],
      [429, "later"],
      [408, "later"],
      [400, "refused"],
      [404, "refused"],
      // Where it leads to is not what the operator has named.
      [302, "refused"],
    ])("that is answered %i is %s", async (status, result) => {
      const { url } = await receiver(
        status,
        status === 302 ? { location: "http://127.0.0.1:1" } : {},
      );
      expect(await deliver(to(url), message)).toEqual({ result, reason: `status ${status}` });
    });

    it("waits as long as the receiver says, an hour at most", async () => {
      const { url } = await receiver(429, { "retry-after": "30" });
      expect(await deliver(to(url), message)).toMatchObject({ result: "later", afterMs: 30_000 });
      await new Promise((closed) => server!.close(closed));
      const slow = await receiver(503, { "retry-after": "999999" });
      expect(await deliver(to(slow.url), message)).toMatchObject({ afterMs: 3_600_000 });
    });

    it("tells of a receiver that is not there no more than the kind of the failure", async () => {
      const { url } = await receiver(200);
      await new Promise((closed) => server!.close(closed));
      server = undefined;
      const failed = await deliver(to(url, "a secret of ours"), message);
      expect(failed).toEqual({ result: "later", reason: "ECONNREFUSED" });
      const nonsense = await deliver(to("http://[nonsense?token=hidden"), message);
      expect(nonsense).toMatchObject({ result: "later" });
      expect(JSON.stringify(nonsense)).not.toContain("hidden");
    });
  });
});
